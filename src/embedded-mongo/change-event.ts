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

/** Fields that differ, by their paths; a changed array is given as a whole. */
function describeUpdate(before: Document, after: Document): Document {
  const updatedFields: Document = {};
  const removedFields: string[] = [];
  collect(before, after, '', updatedFields, removedFields);
  return { updatedFields, removedFields, truncatedArrays: [] };
}

function collect(
  before: Document,
  after: Document,
  prefix: string,
  updated: Document,
  removed: string[],
): void {
  for (const name of Object.keys(before)) {
    if (!Object.hasOwn(after, name)) removed.push(prefix + name);
  }
  for (const name of Object.keys(after)) {
    const value: unknown = after[name];
    const old: unknown = Object.hasOwn(before, name) ? before[name] : undefined;
    if (isDocument(old) && isDocument(value)) collect(old, value, `${prefix}${name}.`, updated, removed);
    else if (old === undefined || !identicalValues(old, value)) setField(updated, prefix + name, value);
  }
}
