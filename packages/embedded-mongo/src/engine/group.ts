import { BSON } from 'mongodb';
import { MongoServerFault, notImplemented } from './errors.js';
import { parseFieldPath } from './field-path.js';
import { addNumbers } from './numbers.js';
import { type Document, getField, isDocument, isNumber, MISSING, setField, valuesEqual } from './values.js';

type Expression = (doc: Document) => unknown;

interface Sum {
  name: string;
  operand: Expression;
}

interface Group {
  id: unknown;
  sums: unknown[];
}

/**
 * `$group` by one value, with `$sum` over integers: counts, and sums of counters. Groups come out in the order of
 * their first documents; MongoDB promises no order.
 */
export function compileGroup(spec: unknown): (docs: Document[]) => Document[] {
  if (!isDocument(spec)) throw new MongoServerFault(15947, "a group's fields must be specified in an object");
  if (!Object.hasOwn(spec, '_id')) {
    throw new MongoServerFault(15955, 'a group specification must include an _id');
  }
  const idOf = compileExpression(spec._id);
  const sums = Object.keys(spec)
    .filter((name) => name !== '_id')
    .map((name) => compileSum(name, spec[name]));
  return (docs) => gather(docs, idOf, sums).map((group) => describe(group, sums));
}

function compileSum(name: string, spec: unknown): Sum {
  if (!isDocument(spec)) {
    throw new MongoServerFault(40234, `The field '${name}' must be an accumulator object`);
  }
  if (name.includes('.')) throw new MongoServerFault(40235, `The field name '${name}' cannot contain '.'`);
  if (name.startsWith('$')) {
    throw new MongoServerFault(40236, `The field name '${name}' cannot be an operator name`);
  }
  const [operator, ...others] = Object.keys(spec);
  if (operator === undefined || others.length > 0) {
    throw new MongoServerFault(40238, `The field '${name}' must specify one accumulator`);
  }
  if (operator !== '$sum') throw notImplemented(`The accumulator ${operator}`);
  return { name, operand: compileExpression(spec.$sum) };
}

/** A constant, or the path of a field such as `"$type"`. */
function compileExpression(spec: unknown): Expression {
  if (Array.isArray(spec) || isDocument(spec)) throw notImplemented('A computed aggregation expression');
  if (typeof spec !== 'string' || !spec.startsWith('$')) return () => spec;
  if (spec === '$' || spec.startsWith('$$')) throw notImplemented(`The aggregation expression ${spec}`);
  const parts = parseFieldPath(spec.slice(1));
  return (doc) => parts.reduce<unknown>(fieldOf, doc);
}

function fieldOf(container: unknown, name: string): unknown {
  if (Array.isArray(container)) throw notImplemented('An aggregation path through an array');
  return isDocument(container) ? getField(container, name) : MISSING;
}

function gather(docs: Document[], idOf: Expression, sums: readonly Sum[]): Group[] {
  const groups: Group[] = [];
  for (const doc of docs) {
    const value = idOf(doc);
    const id = value === MISSING ? null : value;
    let group = groups.find((candidate) => valuesEqual(candidate.id, id));
    if (!group) {
      group = { id, sums: sums.map(() => new BSON.Int32(0)) };
      groups.push(group);
    }
    group.sums = group.sums.map((sum, i) => add(sum, sums[i]?.operand(doc)));
  }
  return groups;
}

/** Values that are not numbers count as 0. MongoDB adds doubles with compensated summation; here they are refused. */
function add(sum: unknown, value: unknown): unknown {
  if (!isNumber(value)) return sum;
  const result = addNumbers(sum, value);
  if (result === undefined || result instanceof BSON.Double)
    throw notImplemented('$sum of numbers that are not integers');
  return result;
}

function describe({ id, sums }: Group, fields: readonly Sum[]): Document {
  const result: Document = { _id: id };
  for (const [i, { name }] of fields.entries()) setField(result, name, sums[i]);
  return result;
}
