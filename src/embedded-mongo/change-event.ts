import type { LoggedChange } from './change-log.js';
import { splitNamespace } from './store.js';
import { type Document, identicalValues, isDocument, setField } from './values.js';

/** What a change stream shows of a change; undefined for changes it does not tell of. */
export function changeEvent({ change, timestamp, at }: LoggedChange): Document | undefined {
  if (change.kind === 'dropDatabase') return undefined;
  const { database, name } = splitNamespace(change.namespace);
  const common = { clusterTime: timestamp, wallTime: at };
  const ns = { db: database, coll: name };
  switch (change.kind) {
    case 'insert':
      return {
        ...{ operationType: 'insert', ...common, fullDocument: change.doc, ns },
        documentKey: { _id: change.doc._id as unknown },
      };
    case 'update': {
      const documentKey = { _id: change.doc._id as unknown };
      if (change.replacement) {
        return { operationType: 'replace', ...common, fullDocument: change.doc, ns, documentKey };
      }
      const updateDescription = describeUpdate(change.before, change.doc);
      return { operationType: 'update', ...common, ns, documentKey, updateDescription };
    }
    case 'delete':
      return { operationType: 'delete', ...common, ns, documentKey: { _id: change.id } };
    case 'drop':
      return { operationType: 'drop', ...common, ns };
    case 'invalidate':
      return { operationType: 'invalidate', ...common };
    case 'create':
    case 'createIndex':
    case 'dropIndex':
      return undefined;
  }
}

/** Fields that differ: those of the document itself, see {@link isToldByOperator}. */
function describeUpdate(before: Document, after: Document): Document {
  const updatedFields: Document = {};
  for (const name of Object.keys(after)) {
    const value: unknown = after[name];
    const isSame = Object.hasOwn(before, name) && identicalValues(before[name], value);
    if (!isSame) setField(updatedFields, name, value);
  }
  const removedFields = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return { updatedFields, removedFields, truncatedArrays: [] };
}

/**
 * Whether MongoDB tells of an update by what its operators named: of a change within a document or an array it may tell the
 * whole field, a path in it or a new length, and the documents alone do not show which.
 */
export function isToldByOperator({ change }: LoggedChange): boolean {
  if (change.kind !== 'update' || change.replacement) return false;
  const { before, doc } = change;
  return Object.keys(doc).some((name) => {
    const old: unknown = Object.hasOwn(before, name) ? before[name] : undefined;
    const value: unknown = doc[name];
    const areAlike = (isDocument(old) && isDocument(value)) || (Array.isArray(old) && Array.isArray(value));
    return areAlike && !identicalValues(old, value);
  });
}
