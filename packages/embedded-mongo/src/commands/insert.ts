import { BSON } from 'mongodb';
import { badValue, dollarPrefixedFieldName, MongoServerFault, notImplemented } from '../engine/errors.js';
import { type Document, isDocument, isRegex, setField } from '../engine/values.js';
import { batchOf, booleanOption, writableNamespaceOf } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { runStatements } from './write-batch.js';

export const insertCommand: Command = {
  names: ['insert'],
  options: ['documents', 'ordered'],
  retryable: true,
  run: insert,
};

function insert(context: CommandContext): Document {
  const { command, server } = context;
  const documents = batchOf(command, 'documents');
  const namespace = writableNamespaceOf(context);
  let n = 0;
  const errors = runStatements(documents, booleanOption(command, 'ordered', true), (given) => {
    server.store.insert(server.store.findOrCreate(namespace), storable(given));
    n += 1;
  });
  return { n, ...errors };
}

/** The document as MongoDB stores it: with an `_id`, which comes first. */
function storable(given: Document): Document {
  const doc: Document = { _id: given._id === undefined ? new BSON.ObjectId() : (given._id as unknown) };
  checkId(doc._id);
  for (const name of Object.keys(given)) {
    if (name === '_id') continue;
    if (name.startsWith('$')) throw badValue(`Document can't have $ prefixed field names: ${name}`);
    const value: unknown = given[name];
    // MongoDB replaces an empty timestamp by the current time.
    if (value instanceof BSON.Timestamp && value.isZero()) throw notImplemented('An empty timestamp');
    setField(doc, name, value);
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
