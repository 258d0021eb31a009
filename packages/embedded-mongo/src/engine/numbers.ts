import { BSON } from 'mongodb';
import { notImplemented } from './errors.js';

type Numeric = number | bigint | BSON.Decimal128;

/** A 64-bit integer as bigint (JavaScript compares it exactly with any number), the rest as number. */
function numericValue(value: unknown): Numeric {
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof BSON.Decimal128)
    return value;
  if (value instanceof BSON.Long) return value.toBigInt();
  return (value as BSON.Int32 | BSON.Double).value;
}

/** Compares by value across the four number types of BSON, without rounding. */
export function compareNumbers(left: unknown, right: unknown): number {
  const a = numericValue(left);
  const b = numericValue(right);
  if (a instanceof BSON.Decimal128 || b instanceof BSON.Decimal128) return compareAsDecimals(a, b);
  if (a < b) return -1;
  if (a > b) return 1;
  // NaN is below every number and equal to itself. If both comparisons fail, one side is NaN or both are equal.
  return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
}

interface Exact {
  /** Zero for a finite number, otherwise -2 for NaN, -1 for -Infinity and 1 for Infinity. */
  outside: number;
  digits: bigint;
  exponent: number;
}

function compareAsDecimals(a: Numeric, b: Numeric): number {
  const left = exactDecimal(a);
  const right = exactDecimal(b);
  if (left.outside !== 0 || right.outside !== 0) return left.outside - right.outside;
  const exponent = Math.min(left.exponent, right.exponent);
  const x = left.digits * 10n ** BigInt(left.exponent - exponent);
  const y = right.digits * 10n ** BigInt(right.exponent - exponent);
  return x < y ? -1 : Number(x > y);
}

function exactDecimal(value: Numeric): Exact {
  if (typeof value === 'bigint') return { outside: 0, digits: value, exponent: 0 };
  const text = value.toString();
  if (text === 'NaN') return { outside: -2, digits: 0n, exponent: 0 };
  if (text.endsWith('Infinity')) return { outside: text.startsWith('-') ? -1 : 1, digits: 0n, exponent: 0 };
  if (typeof value === 'number') return exactDouble(value);
  const [mantissa = '0', exponent = '0'] = text.split(/e/i);
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { outside: 0, digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

/** Every double is an integer over a power of two, so an exact decimal: n / 2^k is n * 5^k / 10^k. */
function exactDouble(value: number): Exact {
  let scaled = value;
  let halvings = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    halvings += 1;
  }
  return { outside: 0, digits: BigInt(scaled) * 5n ** BigInt(halvings), exponent: -halvings };
}

const INT64_LIMIT = 2n ** 63n;

function fitsInt64(value: bigint): boolean {
  return value >= -INT64_LIMIT && value < INT64_LIMIT;
}

function fitsInt32(value: bigint): boolean {
  return value === BigInt.asIntN(32, value);
}

/** The narrowest integer type, as MongoDB widens int to long when a sum outgrows it. */
export function toIntOrLong(value: bigint): BSON.Int32 | BSON.Long {
  return fitsInt32(value) ? new BSON.Int32(Number(value)) : BSON.Long.fromBigInt(value);
}

/**
 * The sum of two numbers in the wider of their types; int grows into long. Undefined if long overflows, which MongoDB
 * refuses.
 */
export function addNumbers(left: unknown, right: unknown): unknown {
  const a = numericValue(left);
  const b = numericValue(right);
  if (a instanceof BSON.Decimal128 || b instanceof BSON.Decimal128) {
    throw notImplemented('Arithmetic on Decimal128');
  }
  if (isDouble(left) || isDouble(right)) return new BSON.Double(Number(a) + Number(b));
  const sum = BigInt(a) + BigInt(b);
  if (!fitsInt64(sum)) return undefined;
  return isLong(left) || isLong(right) ? BSON.Long.fromBigInt(sum) : toIntOrLong(sum);
}

function isDouble(value: unknown): boolean {
  return value instanceof BSON.Double || typeof value === 'number';
}

function isLong(value: unknown): boolean {
  return value instanceof BSON.Long || typeof value === 'bigint';
}

/** A count, limit or slice given in any number type; undefined for anything but a whole number. */
export function wholeNumber(value: unknown): number | undefined {
  if (!(value instanceof BSON.Int32) && !isDouble(value) && !isLong(value)) return undefined;
  const number = Number(numericValue(value));
  return Number.isSafeInteger(number) ? number : undefined;
}
