import { BSON } from 'mongodb';

import { MongoServerFault, badValue, dollarPrefixedFieldName } from '../errors.js';
import { type Document, isDocument, isRegex, setField } from '../values.js';
import { batchOf, booleanOption, writableNamespaceOf } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { runStatements } from './write-batch.js';

const ZERO_TIMESTAMP = BSON.Timestamp.fromBits(0, 0);

export const insertCommand: Command = {
  names: ['insert'],
  options: ['documents', 'ordered'],
  refused: ['bypassDocumentValidation'],
  retryable: true,
  run: insert,
};

function insert(context: CommandContext): Document {
  const { command, server } = context;
  const documents = batchOf(command, 'documents');
  const namespace = writableNamespaceOf(context);
  let n = 0;
  const errors = runStatements(documents, booleanOption(command, 'ordered', true), (given) => {
    const doc = storable(given, () => server.changeLog.nextTimestamp());
    server.store.insert(server.store.findOrCreate(namespace), doc);
    n++;
  });
  return { n, ...errors };
}

/** As MongoDB stores it: with an _id, which comes first, and an empty timestamp filled in. */
export function storable(given: Document, timestamp: () => BSON.Timestamp): Document {
  const doc: Document = { _id: given._id === undefined ? new BSON.ObjectId() : (given._id as unknown) };
  checkId(doc._id);
  for (const name of Object.keys(given)) {
    if (name === '_id') continue;
    if (name.startsWith('$')) throw badValue(`Document can't have $ prefixed field names: ${name}`);
    const value: unknown = given[name];
    const isZero = value instanceof BSON.Timestamp && value.equals(ZERO_TIMESTAMP);
    setField(doc, name, isZero ? timestamp() : value);
  }
  return doc;
}

export function checkId(id: unknown): void {
  if (Array.isArray(id)) throw badValue("can't use an array for _id");
  if (isRegex(id)) throw badValue("can't use a regex for _id");
  if (id === undefined) throw badValue("can't use a undefined for _id");
  const operator = isDocument(id) && Object.keys(id).find((name) => name.startsWith('$'));
  if (operator) throw dollarPrefixedFieldName(`${operator} is not valid for storage.`);
  if (id instanceof BSON.Code) throw new MongoServerFault(2, "can't use code for _id");
}
