import { MongoServerFault, failedToParse, notImplemented, typeMismatch } from '../errors.js';
import { wholeNumber } from '../numbers.js';
import { findRecords } from '../query-plan.js';
import {
  type Document,
  arrayIndex,
  compareValues,
  isDocument,
  isNumber,
  splitPath,
  typeName,
} from '../values.js';
import { missingField, namespaceOf, optionalDocument } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { checkHint } from './hint.js';

const count: Command = {
  names: ['count'],
  options: ['query', 'limit', 'skip', 'hint', 'fields'],
  refused: ['collation'],
  run: (context) => {
    const { command } = context;
    const skip = wholeOption(command, 'skip');
    if (skip < 0) throw failedToParse(`Expected a positive number in: skip: ${skip}`);
    // A negative limit is an old way to ask for a single batch; for counting its size is all that matters.
    const limit = Math.abs(wholeOption(command, 'limit'));
    return { n: recordsOf(context, { skip, limit }).length };
  },
};

const distinct: Command = {
  names: ['distinct'],
  options: ['key', 'query', 'hint'],
  refused: ['collation'],
  run: (context) => {
    const key: unknown = context.command.key;
    if (key === undefined) throw missingField('distinct.key');
    if (typeof key !== 'string') {
      throw typeMismatch(
        `BSON field 'distinct.key' is the wrong type '${typeName(key)}', expected type 'string'`,
      );
    }
    if (key === '') throw new MongoServerFault(40352, 'FieldPath cannot be constructed with empty string');
    return {
      values: distinctValues(
        recordsOf(context).map(({ doc }) => doc),
        key,
      ),
    };
  },
};

function recordsOf(context: CommandContext, window: { skip?: number; limit?: number } = {}) {
  const { command, server } = context;
  const filter = optionalDocument(command, 'query') ?? {};
  const collection = server.store.find(namespaceOf(context));
  checkHint(collection, command.hint, filter);
  return findRecords(collection, { filter, ...window });
}

function wholeOption(command: Document, name: string): number {
  const value: unknown = command[name];
  if (value === undefined || value === null) return 0;
  const number = isNumber(value) ? wholeNumber(value) : undefined;
  if (number === undefined) throw failedToParse(`Expected a whole number in: ${name}`);
  return number;
}

/** In MongoDB's order, each once, shown as the first of those equal to it. */
function distinctValues(docs: Document[], path: string): unknown[] {
  const parts = splitPath(path);
  // Over an array such a step may mean a position or a field.
  if (parts.some((part) => arrayIndex(part) !== undefined))
    throw notImplemented('distinct of a numeric path step');
  const values: unknown[] = [];
  for (const doc of docs) collectValues(doc, parts, values);
  values.sort(compareValues);
  return values.filter((value, i) => i === 0 || compareValues(value, values[i - 1]) !== 0);
}

/** An array at the end counts by its elements; one on the way is followed into its documents. */
function collectValues(value: unknown, parts: readonly string[], values: unknown[]): void {
  const [part, ...rest] = parts;
  if (part === undefined) {
    if (Array.isArray(value)) values.push(...(value as unknown[]));
    else values.push(value);
  } else if (Array.isArray(value)) {
    for (const element of value) if (isDocument(element)) collectValues(element, parts, values);
  } else if (isDocument(value) && Object.hasOwn(value, part)) {
    collectValues(value[part], rest, values);
  }
}

export const countCommands = [count, distinct];
