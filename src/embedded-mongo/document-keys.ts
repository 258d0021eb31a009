import { MongoServerFault } from './errors.js';
import { type Document, MISSING, childOf, isDocument } from './values.js';

/** The code of the fault over two arrays in one key; a sort answers it with another. */
export const PARALLEL_ARRAYS = 171;

/** How far a path leads before its end or the first array, and what is left of it. */
interface Step {
  value: unknown;
  rest: readonly string[];
}

/** A path as far as it still has to be walked; `value` once its end is reached. */
interface Walk extends Step {
  done: boolean;
  /** Where a numeric step has already led; `nested` if that was to an array within the array. */
  ahead?: Step & { nested: boolean };
}

/**
 * The key a document has under several paths, as an index or a sort takes it: one key for each element of an
 * array on the way or at the end. An empty array counts as undefined, which sorts before null, and what is
 * missing as null. Paths that go through two different arrays have no order and throw.
 */
export function documentKeys(doc: Document, paths: readonly (readonly string[])[]): unknown[][] {
  const keys: unknown[][] = [];
  collect(
    doc,
    paths.map((rest) => ({ rest, done: false, value: null })),
    keys,
  );
  return keys;
}

function collect(doc: unknown, walks: readonly Walk[], keys: unknown[][]): void {
  let array: unknown[] | undefined;
  let opens = true;
  const next = walks.map((walk): Walk => {
    if (walk.done) return walk;
    const { value, rest } = walk.ahead ?? descend(doc, walk.rest);
    if (!Array.isArray(value)) return { rest, done: true, value: value === MISSING ? null : value };
    if (array !== undefined && array !== value) {
      // One array can be expanded; two would give every pairing of their elements.
      throw new MongoServerFault(PARALLEL_ARRAYS, 'cannot index parallel arrays');
    }
    array = value;
    if (walk.ahead?.nested) opens = false;
    return { rest, done: false, value };
  });
  if (array === undefined) keys.push(next.map((walk) => walk.value));
  else expand(array, next, keys, opens);
}

/** Along documents up to the end of the path or the first array. */
function descend(doc: unknown, parts: readonly string[]): Step {
  let value = doc;
  for (const [i, part] of parts.entries()) {
    value = isDocument(value) ? childOf(value, part) : MISSING;
    if (value === MISSING) break;
    if (Array.isArray(value)) return { value, rest: parts.slice(i + 1) };
  }
  return { value, rest: [] };
}

function expand(array: unknown[], walks: readonly Walk[], keys: unknown[][], opens: boolean): void {
  const elements = array.length === 0 ? [undefined] : array;
  for (const element of elements) {
    const next = walks.map((walk) => {
      if (walk.done) return walk;
      if (walk.rest.length > 0) return byPosition(array, element, walk);
      return { rest: [], done: true, value: opens || array.length === 0 ? element : array };
    });
    collect(isDocument(element) ? element : undefined, next, keys);
  }
}

/** `a.1` over an array means its second element, whichever element the other paths are expanded to. */
function byPosition(array: unknown[], element: unknown, walk: Walk): Walk {
  const [position = '', ...rest] = walk.rest;
  const chosen = childOf(array, position);
  if (chosen === MISSING) return { ...walk, ahead: undefined };
  if (isDocument(element) && childOf(element, position) !== MISSING) {
    throw new MongoServerFault(16746, `Ambiguous field name found in array: '${position}'`);
  }
  const nested = Array.isArray(chosen);
  return { ...walk, ahead: nested ? { value: chosen, rest, nested } : { ...descend(chosen, rest), nested } };
}
