import type { LoggedChange } from './change-log.js';
import { splitNamespace } from './store.js';
import { type Document, identicalValues, isDocument, setField } from './values.js';

/** The event that a change stream reports for a change; undefined for changes it does not report. */
export function changeEvent({ change, timestamp, at }: LoggedChange): Document | undefined {
  const common = { clusterTime: timestamp, wallTime: at };
  switch (change.kind) {
    case 'insert': {
      const { namespace, doc } = change;
      return { operationType: 'insert', ...common, fullDocument: doc, ...subject(namespace, doc._id) };
    }
    case 'update': {
      const updateDescription = describeUpdate(change.before, change.doc);
      return {
        operationType: 'update',
        ...common,
        ...subject(change.namespace, change.doc._id),
        updateDescription,
      };
    }
    case 'delete':
      return { operationType: 'delete', ...common, ...subject(change.namespace, change.id) };
    case 'drop':
      return { operationType: 'drop', ...common, ns: shownNamespace(change.namespace) };
    case 'invalidate':
      return { operationType: 'invalidate', ...common };
    case 'create':
    case 'createIndex':
    case 'dropIndex':
    case 'dropDatabase':
      return undefined;
  }
}

function shownNamespace(namespace: string): Document {
  const { database, name } = splitNamespace(namespace);
  return { db: database, coll: name };
}

function subject(namespace: string, _id: unknown): Document {
  return { ns: shownNamespace(namespace), documentKey: { _id } };
}

/** The top-level fields that differ; see {@link isWithinField} for changes that this cannot describe. */
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
 * Whether an update changed something within a document or an array. MongoDB describes such a change by what the
 * operators named (the whole field, a path in it, a new length), which the documents alone do not show.
 */
export function isWithinField({ change }: LoggedChange): boolean {
  if (change.kind !== 'update') return false;
  const { before, doc } = change;
  return Object.keys(doc).some((name) => {
    const old: unknown = Object.hasOwn(before, name) ? before[name] : undefined;
    const value: unknown = doc[name];
    const areAlike = (isDocument(old) && isDocument(value)) || (Array.isArray(old) && Array.isArray(value));
    return areAlike && !identicalValues(old, value);
  });
}
