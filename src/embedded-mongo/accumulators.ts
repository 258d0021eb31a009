import { BSON } from 'mongodb';

import { MongoServerFault, notImplemented } from './errors.js';
import { fitsInt64, isDouble, isLong, numericValue, toIntOrLong } from './numbers.js';
import { MISSING, compareValues, isNullish, isNumber } from './values.js';

/** Sums up what one operand gave for each document of a group, in their order. */
export type Accumulator = (values: unknown[]) => unknown;

const ACCUMULATORS: Record<string, Accumulator> = {
  $sum: sum,
  $min: (values) => extreme(values, -1),
  $max: (values) => extreme(values, 1),
  $first: (values) => orNull(values[0]),
  $last: (values) => orNull(values.at(-1)),
};

const REFUSED_ACCUMULATORS = new Set([
  ...['$accumulator', '$addToSet', '$avg', '$bottom', '$bottomN', '$count', '$firstN', '$function', '$lastN'],
  ...['$maxN', '$median', '$mergeObjects', '$minN', '$percentile', '$push', '$stdDevPop', '$stdDevSamp'],
  ...['$top', '$topN'],
]);

export function accumulatorFor(operator: string): Accumulator {
  const accumulator = Object.hasOwn(ACCUMULATORS, operator) ? ACCUMULATORS[operator] : undefined;
  if (accumulator) return accumulator;
  if (REFUSED_ACCUMULATORS.has(operator)) throw notImplemented(`The accumulator ${operator}`);
  throw new MongoServerFault(15952, `unknown group operator '${operator}'`);
}

function orNull(value: unknown): unknown {
  return value === MISSING ? null : value;
}

function extreme(values: unknown[], direction: 1 | -1): unknown {
  const candidates = values.filter((value) => !isNullish(value));
  if (candidates.length === 0) return null;
  return candidates.reduce((best, value) => (direction * compareValues(value, best) > 0 ? value : best));
}

/**
 * Integers are added exactly and widen as far as they must; with a double among them the sum is a double,
 * kept with its rounding error so that the result does not depend on it. What is no number counts nothing.
 */
function sum(values: unknown[]): unknown {
  let whole = 0n;
  let total = 0;
  let error = 0;
  let widest = 'int';
  const add = (value: number): void => {
    const next = total + value;
    const shift = next - total;
    error += total - (next - shift) + (value - shift);
    total = next;
  };
  for (const value of values) {
    if (!isNumber(value)) continue;
    const number = numericValue(value);
    if (number instanceof BSON.Decimal128) throw notImplemented('$sum of Decimal128');
    if (isDouble(value)) {
      widest = 'double';
      add(number as number);
    } else {
      if (isLong(value) && widest === 'int') widest = 'long';
      whole += BigInt(number);
    }
  }
  if (widest === 'double' || !fitsInt64(whole)) {
    const high = Number(whole);
    add(high);
    error += Number(whole - BigInt(high));
    // Infinity and NaN leave no error worth adding.
    return new BSON.Double(Number.isFinite(total) ? total + error : total);
  }
  return widest === 'long' ? BSON.Long.fromBigInt(whole) : toIntOrLong(whole);
}
