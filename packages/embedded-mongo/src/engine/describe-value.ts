import { BSON } from 'mongodb';
import { type Document, isDocument } from './values.js';

/** A document as MongoDB prints it in its error messages, which some applications parse. */
export function describeDocument(doc: Document): string {
  const fields = Object.keys(doc).map((name) => `${name}: ${describeValue(doc[name])}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return describeString(value);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(describeValue).join(', ')} ]`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  return isDocument(value) ? describeDocument(value) : describeBson(value);
}

function describeBson(value: unknown): string {
  if (value instanceof BSON.ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (value instanceof BSON.Binary) return describeBinary(value);
  if (value instanceof BSON.Double) return describeDouble(value.value);
  if (value instanceof BSON.Timestamp) return `Timestamp(${value.t}, ${value.i})`;
  if (value instanceof BSON.BSONRegExp) return `/${value.pattern}/${value.options}`;
  if (value instanceof BSON.MinKey || value instanceof BSON.MaxKey) return value._bsontype;
  return isPlain(value) ? value.toString() : typeof value;
}

type Plain = BSON.Int32 | BSON.Long | BSON.Decimal128 | boolean | number;

function isPlain(value: unknown): value is Plain {
  const simple = typeof value === 'boolean' || typeof value === 'number';
  return simple || [BSON.Int32, BSON.Long, BSON.Decimal128].some((type) => value instanceof type);
}

/** MongoDB cuts long strings at these lengths. */
function describeString(value: string): string {
  return value.length < 160 ? `"${value}"` : `"${value.slice(0, 150)}..."`;
}

function describeDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan.0';
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function describeBinary(binary: BSON.Binary): string {
  const hex = Buffer.from(binary.value()).toString('hex').toUpperCase();
  if (binary.sub_type !== BSON.Binary.SUBTYPE_UUID) return `BinData(${binary.sub_type}, ${hex})`;
  return `UUID("${hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}")`;
}
