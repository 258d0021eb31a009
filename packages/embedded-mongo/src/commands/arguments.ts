import { BSON } from 'mongodb';
import {
  badValue,
  failedToParse,
  invalidNamespace,
  MongoServerFault,
  typeMismatch,
} from '../engine/errors.js';
import { wholeNumber } from '../engine/numbers.js';
import { type Document, isDocument, isNumber, typeName } from '../engine/values.js';
import type { CommandContext } from './command.js';

export const ZERO_CURSOR = BSON.Long.ZERO;
export const DEFAULT_FIRST_BATCH = 101;

export function missingField(field: string): MongoServerFault {
  return new MongoServerFault(40414, `BSON field '${field}' is missing but a required field`);
}

export function commandName(command: Document): string {
  return Object.keys(command)[0] ?? '';
}

/** The full name of a command's collection, which is the value of the command's first field. */
export function namespaceOf({ command, database }: CommandContext): string {
  const name: unknown = command[commandName(command)];
  if (typeof name !== 'string') throw badValue(`collection name has invalid type ${typeName(name)}`);
  return checkedNamespace(database, name);
}

function checkedNamespace(database: string, name: string): string {
  const namespace = `${database}.${name}`;
  if (database.length > 63 || /[ /\\"\0$]/.test(database) || name === '' || name.includes('\0')) {
    throw invalidNamespace(`Invalid namespace specified '${namespace}'`);
  }
  if (name.startsWith('.')) throw invalidNamespace("Collection names cannot start with '.'");
  if (Buffer.byteLength(namespace) > 255) throw invalidNamespace('The full collection name is too long');
  return namespace;
}

/** A read accepts names that no collection can have, and finds nothing; a write refuses them. */
export function writableNamespaceOf(context: CommandContext): string {
  const namespace = namespaceOf(context);
  const name = namespace.slice(context.database.length + 1);
  if (name.includes('$')) throw invalidNamespace('invalid collection name');
  if (name.startsWith('system.')) throw invalidNamespace(`cannot write to '${namespace}'`);
  return namespace;
}

export function optionalDocument(owner: Document, name: string): Document | undefined {
  const value: unknown = owner[name];
  if (value === undefined || value === null) return undefined;
  if (isDocument(value)) return value;
  throw typeMismatch(`Expected field '${name}' to be an object, but it is of type ${typeName(value)}`);
}

export function booleanOption(owner: Document, name: string, fallback = false): boolean {
  const value: unknown = owner[name];
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'boolean') return value;
  if (isNumber(value)) return wholeNumber(value) !== 0;
  throw typeMismatch(`Expected field '${name}' to be a boolean, but it is of type ${typeName(value)}`);
}

/** A whole number that is not negative: a limit, the size of a batch. */
export function countOption(owner: Document, name: string): number | undefined {
  const value: unknown = owner[name];
  if (value === undefined || value === null) return undefined;
  if (!isNumber(value)) throw failedToParse(`Field '${name}' must be a number, not ${typeName(value)}`);
  const number = wholeNumber(value);
  if (number === undefined) throw failedToParse(`Field '${name}' must be a whole number`);
  if (number < 0) throw badValue(`${name} value must be non-negative, but received: ${number}`);
  return number;
}

export function batchSizeOf(command: Document): number | undefined {
  return countOption(optionalDocument(command, 'cursor') ?? {}, 'batchSize');
}

/** The statements of a batch: documents, updates or deletes. */
export function batchOf(command: Document, field: string): Document[] {
  const name = commandName(command);
  const batch: unknown = command[field];
  if (batch === undefined) throw missingField(`${name}.${field}`);
  if (!Array.isArray(batch)) {
    if (!isDocument(batch)) {
      const message = `BSON field '${name}.${field}' is the wrong type '${typeName(batch)}', expected type 'array'`;
      throw typeMismatch(message);
    }
    throw new MongoServerFault(40422, `BSON array field '${name}.${field}' has an invalid value`);
  }
  if (batch.length === 0 || batch.length > 100_000) {
    const message = `Write batch sizes must be between 1 and 100000. Got ${batch.length} operations.`;
    throw new MongoServerFault(16, message);
  }
  for (const statement of batch as unknown[]) {
    if (isDocument(statement)) continue;
    const message = `BSON field '${name}.${field}.0' is the wrong type '${typeName(statement)}', expected type 'object'`;
    throw typeMismatch(message);
  }
  return batch as Document[];
}
