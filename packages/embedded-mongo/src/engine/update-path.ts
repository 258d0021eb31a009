import { MongoServerFault, notImplemented, pathNotViable } from './errors.js';
import {
  checkFieldName,
  checkStorable,
  type Modifier,
  REMOVED,
  UNCHANGED,
  type UpdateContext,
} from './update-operators.js';
import { arrayIndex, childOf, type Document, isDocument, MISSING, setField, typeName } from './values.js';

/** MongoDB refuses to fill an array with more nulls than this up to the given position. */
const MAX_PADDING = 1_500_000;

export interface PathModifier {
  path: string;
  parts: string[];
  modifier: Modifier;
}

/** How far a path exists: the deepest value on it, and the rest of the path. */
interface Reach {
  container: unknown;
  rest: string[];
}

/** Applies one operator at one path of a document, which it changes in place; returns whether it changed. */
export function modifyAt(doc: Document, target: PathModifier, context: UpdateContext): boolean {
  const { path, parts, modifier } = target;
  if (modifier.onlyOnInsert && !context.inserting) return false;
  for (const part of parts) checkFieldName(part, path);
  const { container, rest } = reach(doc, parts);
  const [last] = rest;
  if (rest.length === 1 && last !== undefined && childOf(container, last) !== MISSING) {
    return changeExisting(container, last, target, context);
  }
  if (!modifier.create) return false;
  const value = modifier.create(context);
  createPath(container, rest, value);
  checkStorable(value, path);
  return true;
}

function reach(doc: Document, parts: string[]): Reach {
  let container: unknown = doc;
  for (const [i, part] of parts.entries()) {
    // Versions of MongoDB differ on whether "01" is the second element.
    if (Array.isArray(container) && /^0\d/.test(part)) throw notImplemented(`The array position ${part}`);
    const child = childOf(container, part);
    if (i === parts.length - 1 || child === MISSING) return { container, rest: parts.slice(i) };
    container = child;
  }
  return { container, rest: [] };
}

function changeExisting(
  container: unknown,
  name: string,
  { path, modifier }: PathModifier,
  context: UpdateContext,
): boolean {
  const value = modifier.change(childOf(container, name), context);
  if (value === UNCHANGED) return false;
  if (value !== REMOVED) {
    checkStorable(value, path);
    assign(container, name, value);
  } else if (Array.isArray(container)) {
    // MongoDB does the same: removing the element would shift the others.
    assign(container, name, null);
  } else {
    delete (container as Document)[name];
  }
  return true;
}

function assign(container: unknown, name: string, value: unknown): void {
  if (Array.isArray(container)) container[Number(name)] = value;
  else setField(container as Document, name, value);
}

function createPath(container: unknown, rest: string[], value: unknown): void {
  const [name = '', ...deeper] = rest;
  const created = deeper.reduceRight<unknown>((inner, part) => {
    const doc: Document = {};
    setField(doc, part, inner);
    return doc;
  }, value);
  const index = arrayIndex(name);
  if (Array.isArray(container) && index !== undefined) {
    if (index - container.length > MAX_PADDING) {
      throw new MongoServerFault(34, `can't backfill more than ${MAX_PADDING} elements`);
    }
    while (container.length < index) container.push(null);
    container.push(created);
  } else if (isDocument(container)) {
    setField(container, name, created);
  } else {
    throw pathNotViable(`Cannot create field '${name}' in an element of type ${typeName(container)}`);
  }
}
