import { describeDocument } from './describe-value.js';
import { indexKeySpecsConflict, indexOptionsConflict } from './errors.js';
import type { IndexSpec } from './index-spec.js';
import { compareValues, type Document, identicalValues } from './values.js';

/** The existing index that equals the wanted one, if any; throws if an existing index conflicts with it. */
export function existingIndex(specs: readonly IndexSpec[], wanted: IndexSpec): IndexSpec | undefined {
  const sameKey = specs.find((spec) => sameKeyPattern(spec.key, wanted.key));
  const sameName = specs.find((spec) => spec.name === wanted.name);
  if (sameKey && sameKey.name === '_id_' && Object.keys(wanted.key).length === 1) return sameKey;
  if (sameName && sameName !== sameKey) {
    throw indexKeySpecsConflict(
      `Index must have unique name.The existing index: ${describeDocument(sameName.shown)} has the same name ` +
        `as the requested index: ${describeDocument(wanted.shown)}`,
    );
  }
  if (!sameKey) return undefined;
  if (sameName && sameOptions(sameKey, wanted)) return sameKey;
  if (sameName)
    throw indexOptionsConflict(`Index with name: ${wanted.name} already exists with different options`);
  throw indexOptionsConflict(`Index with name: ${wanted.name} already exists with a different name`);
}

/** Key patterns are equal only with the fields in the same order. */
function sameKeyPattern(a: Document, b: Document): boolean {
  return compareValues(a, b) === 0;
}

function sameOptions(a: IndexSpec, b: IndexSpec): boolean {
  return (
    a.unique === b.unique &&
    a.expireAfterSeconds === b.expireAfterSeconds &&
    identicalValues(a.partialFilterExpression, b.partialFilterExpression)
  );
}
