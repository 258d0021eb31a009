import { childOf, type Document, isDocument, MISSING } from './values.js';

type ValueTest = (value: unknown) => boolean;

/**
 * Whether any value at a query path passes the test. At the end of the path an array stands for each of its
 * elements and for itself; on the way it stands for the contents of its documents, and for its element at a numeric
 * step. A path that leads to nothing tests MISSING; an array of scalars on the way tests nothing.
 */
export function someAtPath(doc: Document, parts: readonly string[], test: ValueTest, from = 0): boolean {
  const value = childOf(doc, parts[from] ?? '');
  const next = from + 1;
  if (Array.isArray(value)) return someInArray(value, parts, next, test);
  if (next === parts.length) return test(value);
  return isDocument(value) ? someAtPath(value, parts, test, next) : test(MISSING);
}

function someInArray(array: unknown[], parts: readonly string[], next: number, test: ValueTest): boolean {
  if (next === parts.length) return array.some(test) || test(array);
  for (const [index, element] of array.entries()) {
    if (isDocument(element) && someAtPath(element, parts, test, next)) return true;
    if (parts[next] !== String(index)) continue;
    // A numeric step names this element: an array at the end of the path stands only for itself.
    if (next + 1 === parts.length ? test(element) : stepsInto(element, parts, next + 1, test)) return true;
  }
  return false;
}

function stepsInto(element: unknown, parts: readonly string[], next: number, test: ValueTest): boolean {
  if (Array.isArray(element)) return someInArray(element, parts, next, test);
  return isDocument(element) && someAtPath(element, parts, test, next);
}
