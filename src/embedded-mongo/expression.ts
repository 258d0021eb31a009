import { notImplemented } from './errors.js';
import { parseFieldPath } from './field-path.js';
import { type Document, MISSING, getField, isDocument, setField } from './values.js';

export type Expression = (doc: Document) => unknown;

/** A constant, a field path such as `"$user.id"`, or a document of these; operators are refused. */
export function compileExpression(spec: unknown): Expression {
  if (typeof spec === 'string' && spec.startsWith('$')) return compileFieldPath(spec);
  if (Array.isArray(spec)) throw notImplemented('An array as an aggregation expression');
  if (isDocument(spec)) return compileDocument(spec);
  return () => spec;
}

function compileFieldPath(spec: string): Expression {
  if (spec.startsWith('$$')) throw notImplemented(`The aggregation variable ${spec}`);
  if (spec === '$') throw notImplemented('The aggregation expression $');
  const parts = parseFieldPath(spec.slice(1));
  return (doc) => valueAt(doc, parts, 0);
}

function compileDocument(spec: Document): Expression {
  const fields = Object.keys(spec).map((name) => {
    if (name.startsWith('$')) throw notImplemented(`The aggregation operator ${name}`);
    if (name.includes('.')) throw notImplemented('A dotted field name in an expression');
    return { name, value: compileExpression(spec[name]) };
  });
  return (doc) => {
    const result: Document = {};
    for (const { name, value } of fields) {
      const field = value(doc);
      if (field !== MISSING) setField(result, name, field);
    }
    return result;
  };
}

/** Through an array the path gives the array of what its documents hold; positions mean nothing here. */
function valueAt(doc: Document, parts: string[], from: number): unknown {
  const value = getField(doc, parts[from]!);
  const next = from + 1;
  if (next === parts.length) return value;
  if (isDocument(value)) return valueAt(value, parts, next);
  if (!Array.isArray(value)) return MISSING;
  return value
    .filter(isDocument)
    .map((item) => valueAt(item, parts, next))
    .filter((item) => item !== MISSING);
}
