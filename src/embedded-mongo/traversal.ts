import { type Document, MISSING, childOf, isDocument } from './values.js';

type ValueTest = (value: unknown) => boolean;

/**
 * Whether any value a query path leads to passes the test. An array at the end offers each of its elements
 * and itself; an array on the way offers what its documents hold, and its element at a numeric step.
 * A path that ends in nothing offers MISSING, but an array of scalars on the way offers nothing at all.
 */
export function someAtPath(doc: Document, parts: readonly string[], test: ValueTest, from = 0): boolean {
  let container: unknown = doc;
  for (let i = from; i < parts.length; i++) {
    const value = childOf(container, parts[i]!);
    if (Array.isArray(value)) return someInArray(value, parts, i + 1, test);
    if (i === parts.length - 1) return test(value);
    if (!isDocument(value)) return test(MISSING);
    container = value;
  }
  return false;
}

function someInArray(array: unknown[], parts: readonly string[], next: number, test: ValueTest): boolean {
  if (next === parts.length) return array.some(test) || test(array);
  for (const [index, element] of array.entries()) {
    if (isDocument(element) && someAtPath(element, parts, test, next)) return true;
    if (parts[next] !== String(index)) continue;
    // The numeric step names this element itself: at the end of the path an array there is not opened.
    if (next + 1 === parts.length ? test(element) : stepsInto(element, parts, next + 1, test)) return true;
  }
  return false;
}

function stepsInto(element: unknown, parts: readonly string[], next: number, test: ValueTest): boolean {
  if (Array.isArray(element)) return someInArray(element, parts, next, test);
  return isDocument(element) && someAtPath(element, parts, test, next);
}
