import { BSON } from 'mongodb';

import { MongoServerFault, notImplemented } from './errors.js';
import { numericValue } from './numbers.js';
import { type Document, getField, isDocument, isNumber, setField } from './values.js';

/** The part of an array that a projection shows: its first or last elements, or some after others were skipped. */
export class Slice {
  constructor(
    private readonly skip: number | undefined,
    private readonly limit: number,
  ) {}

  of(array: readonly unknown[]): unknown[] {
    const { skip, limit } = this;
    if (skip === undefined) return limit < 0 ? array.slice(limit) : array.slice(0, limit);
    const start = skip < 0 ? Math.max(0, array.length + skip) : skip;
    return array.slice(start, start + limit);
  }
}

/** What find takes for a `$slice`: a number, or an array of how many to skip and how many to show. */
export function parseSlice(argument: unknown): Slice {
  if (isNumber(argument)) return new Slice(undefined, toInt32(argument));
  if (!Array.isArray(argument)) {
    throw new MongoServerFault(31273, '$slice only supports numbers and [skip, limit] arrays');
  }
  const [skip, limit] = argument as unknown[];
  if (argument.length !== 2) {
    throw new MongoServerFault(31272, '$slice array argument should be of form [skip, limit]');
  }
  if (!isNumber(skip)) throw new MongoServerFault(31257, '$slice expects the skip argument to be a number');
  if (!isNumber(limit)) throw new MongoServerFault(31258, '$slice expects the limit argument to be a number');
  if (toInt32(limit) <= 0) throw new MongoServerFault(31259, '$slice limit must be positive');
  return new Slice(toInt32(skip), toInt32(limit));
}

/** Fractions are cut off, what is too large is the largest, and what is no number is zero. */
function toInt32(value: unknown): number {
  if (value instanceof BSON.Decimal128) throw notImplemented('A $slice by a Decimal128');
  const number = Math.trunc(Number(numericValue(value))) || 0;
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, number));
}

/**
 * How a `$slice` that find does not take fails as the aggregation operator of that name: an operator takes an array of
 * arguments, and the first of this one is an array. It is constants that fail for certain.
 * @param refusal why find does not take it
 * @throws MongoServerFault where it is no operator either
 */
export function failureAsExpression(argument: unknown, refusal: MongoServerFault): MongoServerFault {
  const args: unknown[] = Array.isArray(argument) ? argument : [argument];
  if (args.length < 2 || args.length > 3) {
    const message = `Expression $slice takes at least 2 arguments, and at most 3, but ${args.length} were passed in.`;
    throw new MongoServerFault(28667, `Invalid $slice syntax: ${refusal.message} :: ${message}`);
  }
  if (!args.every(isConstant)) throw notImplemented('A computed projection');
  return new MongoServerFault(28724, 'First argument to $slice must be an array');
}

function isConstant(value: unknown): boolean {
  return (
    isNumber(value) || typeof value === 'boolean' || (typeof value === 'string' && !value.startsWith('$'))
  );
}

/** Through arrays to the documents in them, but not through arrays in arrays; what is no array stays as it is. */
export function sliceAt(doc: Document, path: readonly string[], slice: Slice): Document {
  const [name = '', ...rest] = path;
  if (!Object.hasOwn(doc, name)) return doc;
  const result: Document = {};
  for (const field of Object.keys(doc)) {
    const value: unknown = getField(doc, field);
    setField(result, field, field === name ? sliced(value, rest, slice) : value);
  }
  return result;
}

function sliced(value: unknown, rest: readonly string[], slice: Slice): unknown {
  if (rest.length === 0) return Array.isArray(value) ? slice.of(value) : value;
  if (isDocument(value)) return sliceAt(value, rest, slice);
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown) => (isDocument(item) ? sliceAt(item, rest, slice) : item));
}
