import { BSON } from 'mongodb';
import { notImplemented } from './errors.js';
import { compareNumbers } from './numbers.js';

export type Document = BSON.Document;

/** The value of a path that leads to nothing; differs from BSON's undefined only for `$exists`. */
export const MISSING = Symbol('missing');

/** MongoDB's order of the types. Types that share a rank are compared by value. */
const RANK = {
  minKey: -1,
  undefined: 0,
  null: 5,
  number: 10,
  string: 15,
  object: 20,
  array: 25,
  binary: 30,
  objectId: 35,
  boolean: 40,
  date: 45,
  timestamp: 47,
  regex: 50,
  code: 60,
  maxKey: 127,
} as const;

const CLASS_RANK: Record<string, number> = {
  Int32: RANK.number,
  Double: RANK.number,
  Long: RANK.number,
  Decimal128: RANK.number,
  BSONSymbol: RANK.string,
  Binary: RANK.binary,
  ObjectId: RANK.objectId,
  Timestamp: RANK.timestamp,
  BSONRegExp: RANK.regex,
  Code: RANK.code,
  MinKey: RANK.minKey,
  MaxKey: RANK.maxKey,
};

const CLASS_TYPE_NAME: Record<string, string> = {
  Int32: 'int',
  Double: 'double',
  Long: 'long',
  Decimal128: 'decimal',
  BSONSymbol: 'symbol',
  Binary: 'binData',
  ObjectId: 'objectId',
  Timestamp: 'timestamp',
  BSONRegExp: 'regex',
  Code: 'javascript',
  MinKey: 'minKey',
  MaxKey: 'maxKey',
  DBRef: 'dbPointer',
};

/** The BSON class by its symbol: a stored document can have a field called `_bsontype`, but never a symbol. */
function bsonClass(value: object): string | undefined {
  return (value as { [BSON.bsonType]?: string })[BSON.bsonType];
}

export function isDocument(value: unknown): value is Document {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    bsonClass(value) === undefined
  );
}

export function isNumber(value: unknown): boolean {
  return typeRank(value) === RANK.number;
}

export function isRegex(value: unknown): boolean {
  return typeRank(value) === RANK.regex;
}

export function isNullish(value: unknown): boolean {
  return value === null || value === undefined || value === MISSING;
}

export function typeRank(value: unknown): number {
  if (typeof value === 'string') return RANK.string;
  if (typeof value === 'boolean') return RANK.boolean;
  if (typeof value === 'number' || typeof value === 'bigint') return RANK.number;
  if (value === null) return RANK.null;
  if (typeof value !== 'object') return RANK.undefined;
  if (Array.isArray(value)) return RANK.array;
  if (value instanceof Date) return RANK.date;
  const name = bsonClass(value);
  if (name === undefined) return RANK.object;
  const rank = CLASS_RANK[name];
  if (rank === undefined) throw notImplemented(`Comparing a ${name}`);
  return rank;
}

/** The name in the error messages of MongoDB. */
export function typeName(value: unknown): string {
  if (value === undefined || value === MISSING) return 'undefined';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'double';
  if (typeof value === 'bigint') return 'long';
  if (typeof value === 'object') return CLASS_TYPE_NAME[bsonClass(value) ?? ''] ?? 'object';
  return typeof value;
}

/** Orders any two BSON values as MongoDB does when it sorts. */
export function compareValues(a: unknown, b: unknown): number {
  const rank = typeRank(a);
  const difference = rank - typeRank(b);
  return difference !== 0 ? difference : compareWithinRank(rank, a, b);
}

/** Equal in MongoDB's sense: 1 equals 1.0, and documents are equal only with their fields in the same order. */
export function valuesEqual(a: unknown, b: unknown): boolean {
  return compareValues(a, b) === 0;
}

/** Identical bytes: 1 and 1.0 differ, as do 0 and -0. An update to an identical value changes nothing. */
export function identicalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeName(a) !== typeName(b)) return false;
  if (Array.isArray(a)) {
    const other = b as unknown[];
    return a.length === other.length && a.every((item, index) => identicalValues(item, other[index]));
  }
  if (isDocument(a)) {
    const names = Object.keys(a);
    const otherNames = Object.keys(b as Document);
    return (
      names.length === otherNames.length &&
      names.every((name, i) => name === otherNames[i] && identicalValues(a[name], (b as Document)[name]))
    );
  }
  if (a instanceof BSON.Double) return Object.is(a.value, (b as BSON.Double).value);
  if (a instanceof BSON.Decimal128) return sameBytes(a.bytes, (b as BSON.Decimal128).bytes);
  return compareValues(a, b) === 0;
}

/** Copies documents and arrays; the BSON classes are never changed in place and are shared. */
export function cloneValue<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => cloneValue(item)) as T;
  if (!isDocument(value)) return value;
  const copy: Document = {};
  for (const name of Object.keys(value)) setField(copy, name, cloneValue<unknown>(value[name]));
  return copy as T;
}

/** Assigning to `__proto__` would set the prototype; this makes it a normal field. */
export function setField(doc: Document, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(doc, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    doc[name] = value;
  }
}

export function getField(doc: Document, name: string): unknown {
  return Object.hasOwn(doc, name) ? doc[name] : MISSING;
}

/** The position that `"0"` or `"12"` names in an array; `"01"` and `"length"` name none. */
export function arrayIndex(part: string): number | undefined {
  return /^(0|[1-9]\d{0,9})$/.test(part) ? Number(part) : undefined;
}

/** One step of a path: into a document by name or into an array by position. */
export function childOf(container: unknown, part: string): unknown {
  if (Array.isArray(container)) {
    const index = arrayIndex(part);
    return index !== undefined && index < container.length ? container[index] : MISSING;
  }
  return isDocument(container) ? getField(container, part) : MISSING;
}

export function splitPath(path: string): string[] {
  return path.split('.');
}

/** By code point, the order of the UTF-8 bytes that MongoDB compares; UTF-16 units order surrogates differently. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return codePointOrder(left) - codePointOrder(right);
  }
  return a.length - b.length;
}

function codePointOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function compareWithinRank(rank: number, a: unknown, b: unknown): number {
  switch (rank) {
    case RANK.number:
      return compareNumbers(a, b);
    case RANK.string:
      return compareStrings(String(a), String(b));
    case RANK.object:
      return compareDocuments(a as Document, b as Document);
    case RANK.array:
      return compareArrays(a as unknown[], b as unknown[]);
    case RANK.binary:
      return compareBinaries(a as BSON.Binary, b as BSON.Binary);
    case RANK.objectId:
      return Buffer.compare((a as BSON.ObjectId).id, (b as BSON.ObjectId).id);
    case RANK.boolean:
      return Number(a) - Number(b);
    case RANK.date:
      return millisecondsOf(a as Date) - millisecondsOf(b as Date);
    case RANK.timestamp:
      return compareTimestamps(a as BSON.Timestamp, b as BSON.Timestamp);
    case RANK.regex:
      return compareRegexes(a as BSON.BSONRegExp, b as BSON.BSONRegExp);
    case RANK.code:
      throw notImplemented('Comparing JavaScript code');
    default:
      return 0;
  }
}

function millisecondsOf(date: Date): number {
  const time = date.getTime();
  if (Number.isNaN(time)) throw notImplemented('A date outside the range of JavaScript dates');
  return time;
}

/** MongoDB compares two documents field by field: first the types, then the names, then the values. */
function compareDocuments(a: Document, b: Document): number {
  const names = Object.keys(a);
  const otherNames = Object.keys(b);
  for (const [i, name] of names.entries()) {
    const otherName = otherNames[i];
    if (otherName === undefined) break;
    const rank = typeRank(a[name]);
    const difference =
      rank - typeRank(b[otherName]) ||
      compareStrings(name, otherName) ||
      compareWithinRank(rank, a[name], b[otherName]);
    if (difference !== 0) return difference;
  }
  return names.length - otherNames.length;
}

function compareArrays(a: unknown[], b: unknown[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = compareValues(a[i], b[i]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function bytesOf(binary: BSON.Binary): Uint8Array {
  return binary.buffer.subarray(0, binary.position);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function compareBinaries(a: BSON.Binary, b: BSON.Binary): number {
  return a.position - b.position || a.sub_type - b.sub_type || Buffer.compare(bytesOf(a), bytesOf(b));
}

function compareTimestamps(a: BSON.Timestamp, b: BSON.Timestamp): number {
  return a.t - b.t || a.i - b.i;
}

function compareRegexes(a: BSON.BSONRegExp, b: BSON.BSONRegExp): number {
  return compareStrings(a.pattern, b.pattern) || compareStrings(a.options, b.options);
}
