import { isOperatorDocument } from './conditions.js';
import { badValue, notImplemented } from './errors.js';
import { compareNumbers } from './numbers.js';
import { someAtPath } from './traversal.js';
import {
  compareValues,
  type Document,
  isDocument,
  isNullish,
  isNumber,
  isRegex,
  MISSING,
  splitPath,
  typeName,
  typeRank,
} from './values.js';

export type Predicate = (doc: Document) => boolean;
type ValueTest = (value: unknown) => boolean;

/** Checks the whole filter first, so that an invalid one fails even on an empty collection. */
export function compileFilter(filter: Document): Predicate {
  return all(Object.keys(filter).map((key) => compileEntry(key, filter[key])));
}

function all(tests: readonly Predicate[]): Predicate {
  const [only] = tests;
  if (tests.length === 1 && only) return only;
  return (doc) => tests.every((test) => test(doc));
}

function compileEntry(key: string, operand: unknown): Predicate {
  if (key === '$or') return compileOr(operand);
  if (key.startsWith('$')) throw notImplemented(`The query operator ${key}`);
  const parts = splitPath(key);
  if (!isOperatorDocument(operand)) return atPath(parts, equalTo(withoutRegex(operand)));
  return all(Object.keys(operand).map((name) => compileOperator(parts, name, operand[name])));
}

function compileOr(operand: unknown): Predicate {
  if (!Array.isArray(operand)) throw badValue('$or must be an array');
  if (operand.length === 0) throw badValue('$or must be a nonempty array');
  const branches = operand.map((branch: unknown) => {
    if (!isDocument(branch)) throw badValue('$or entries need to be full objects');
    return compileFilter(branch);
  });
  return (doc) => branches.some((branch) => branch(doc));
}

function atPath(parts: string[], test: ValueTest): Predicate {
  return (doc) => someAtPath(doc, parts, test);
}

function not(predicate: Predicate): Predicate {
  return (doc) => !predicate(doc);
}

function compileOperator(parts: string[], name: string, operand: unknown): Predicate {
  switch (name) {
    case '$eq':
      return atPath(parts, equalTo(withoutRegex(operand)));
    case '$ne':
      return not(atPath(parts, equalTo(withoutRegex(operand))));
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return atPath(parts, ordered(name, operand));
    case '$in':
      return atPath(parts, oneOf(operand));
    case '$exists': {
      const exists = atPath(parts, (value) => value !== MISSING);
      return isTruthy(operand) ? exists : not(exists);
    }
    default:
      throw notImplemented(`The query operator ${name}`);
  }
}

function withoutRegex(operand: unknown): unknown {
  if (isRegex(operand)) throw notImplemented('Matching by a regular expression');
  return operand;
}

/** A flag as MongoDB reads it: true for any number but zero, and any other value but false and null. */
function isTruthy(value: unknown): boolean {
  if (isNumber(value)) return compareNumbers(value, 0) !== 0;
  return value !== false && !isNullish(value);
}

function checkOperand(operand: unknown): void {
  if (operand === undefined) throw badValue('cannot compare to undefined');
  // Throws for a type that has no order here.
  typeRank(operand);
}

function equalTo(operand: unknown): ValueTest {
  checkOperand(operand);
  if (operand === null) return isNullish;
  return (value) => value !== MISSING && compareValues(value, operand) === 0;
}

type RangeOperator = '$gt' | '$gte' | '$lt' | '$lte';

const ACCEPTS: Record<RangeOperator, (order: number) => boolean> = {
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
};

/** Compares only values of the operand's own type; null also stands for a missing value. */
function ordered(operator: RangeOperator, operand: unknown): ValueTest {
  checkOperand(withoutRegex(operand));
  const accepts = ACCEPTS[operator];
  const isInclusive = accepts(0);
  if (operand === null) return (value) => isInclusive && isNullish(value);
  const type = typeName(operand);
  if (type === 'minKey' || type === 'maxKey') throw notImplemented(`A range bounded by ${type}`);
  const rank = typeRank(operand);
  if (!isNumber(operand)) {
    return (value) => typeRank(value) === rank && accepts(compareValues(value, operand));
  }
  const isOperandNaN = isNaNValue(operand);
  return (value) => {
    if (typeRank(value) !== rank) return false;
    // NaN is neither above nor below any value, although sorting places it first.
    const isNaNHere = isNaNValue(value);
    if (isOperandNaN || isNaNHere) return isInclusive && isOperandNaN && isNaNHere;
    return accepts(compareNumbers(value, operand));
  };
}

function isNaNValue(value: unknown): boolean {
  return compareNumbers(value, NaN) === 0;
}

function oneOf(operand: unknown): ValueTest {
  if (!Array.isArray(operand)) throw badValue('$in needs an array');
  const tests = operand.map((item: unknown) => {
    if (isOperatorDocument(item)) throw badValue('cannot nest $ under $in');
    checkOperand(withoutRegex(item));
    // Unlike equality with null, null in a list does not match BSON's old undefined.
    if (item === null) return (value: unknown) => value === null || value === MISSING;
    return equalTo(item);
  });
  return (value) => tests.some((test) => test(value));
}
