import { BSON } from 'mongodb';
import { parseIndexSpec } from './index-spec.js';
import type { RetryableWrites, WriteIdentity } from './retryable-writes.js';
import type { Change, Store } from './store.js';
import type { Document } from './values.js';

/** A retryable write with the reply it was given. */
export interface SettledWrite {
  identity: WriteIdentity;
  reply: Document;
}

/** Stored with the changes of the write, so that a command repeated after a restart still finds its reply. */
export function storedWrite({ identity, reply }: SettledWrite): Document {
  const { session, txnNumber } = identity;
  return { kind: 'write', session, txnNumber: BSON.Long.fromBigInt(txnNumber), reply };
}

export function replayEntry(entry: Document, store: Store, retries: RetryableWrites): void {
  if (entry.kind !== 'write') return replayChange(store, entry);
  const txnNumber = (entry.txnNumber as BSON.Long).toBigInt();
  retries.remember({ session: entry.session as string, txnNumber }, entry.reply as Document);
}

/** A change as the journal keeps it: without the earlier document. */
export function storedChange(change: Change): Document {
  if (change.kind !== 'update') return change;
  const { kind, namespace, doc } = change;
  return { kind, namespace, doc };
}

function replayChange(store: Store, stored: Document): void {
  const change = stored as Change;
  if (change.kind === 'dropDatabase') return; // Its collections were dropped one by one before.
  const { namespace } = change;
  switch (change.kind) {
    case 'create':
      store.create(namespace, change.uuid);
      return;
    case 'drop':
      store.drop(namespace);
      return;
    case 'createIndex':
      store.createIndex(store.findOrCreate(namespace), parseIndexSpec(namespace, change.spec));
      return;
    case 'dropIndex':
      store.dropIndex(store.findOrCreate(namespace), change.name);
      return;
    case 'insert':
      store.insert(store.findOrCreate(namespace), change.doc);
      return;
    case 'update': {
      const { collection, record } = recordOf(store, namespace, change.doc._id);
      store.update(collection, record, change.doc);
      return;
    }
    case 'delete': {
      const { collection, record } = recordOf(store, namespace, change.id);
      store.remove(collection, record);
      return;
    }
  }
}

function recordOf(store: Store, namespace: string, id: unknown) {
  const collection = store.findOrCreate(namespace);
  const record = collection.findById(id);
  if (!record) throw new Error(`The journal changes a document that ${namespace} does not have`);
  return { collection, record };
}

const DOCUMENTS_PER_RECORD = 100;
const BYTES_PER_RECORD = 1024 * 1024;

/** The whole store as the changes that make it, in records of moderate size. */
export function* snapshot(store: Store): Generator<Document[]> {
  for (const { namespace, uuid, indexes, records } of store.allCollections()) {
    yield [
      { kind: 'create', namespace, uuid },
      ...indexes.slice(1).map(({ spec }) => ({ kind: 'createIndex', namespace, spec: spec.shown })),
    ];
    let changes: Document[] = [];
    let bytes = 0;
    for (const record of records.values()) {
      changes.push({ kind: 'insert', namespace, doc: record.doc });
      bytes += record.bytes;
      if (changes.length < DOCUMENTS_PER_RECORD && bytes < BYTES_PER_RECORD) continue;
      yield changes;
      [changes, bytes] = [[], 0];
    }
    if (changes.length > 0) yield changes;
  }
}
