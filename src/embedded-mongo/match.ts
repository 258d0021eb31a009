import { isOperatorDocument } from './conditions.js';
import { badValue, notImplemented } from './errors.js';
import { compareNumbers } from './numbers.js';
import { someAtPath } from './traversal.js';
import {
  type Document,
  MISSING,
  compareValues,
  isDocument,
  isNullish,
  isNumber,
  isRegex,
  splitPath,
  typeName,
  typeRank,
} from './values.js';

export { type PathConditions, indexableConditions } from './conditions.js';

export type Predicate = (doc: Document) => boolean;
type ValueTest = (value: unknown) => boolean;

/** MongoDB knows these and this server does not; every other `$name` is an error of the caller. */
const REFUSED_TOP_LEVEL = new Set([
  '$expr',
  '$where',
  '$text',
  '$jsonSchema',
  '$sampleRate',
  '$alwaysTrue',
  '$alwaysFalse',
]);
const REFUSED_OPERATORS = new Set([
  ...['$all', '$size', '$elemMatch', '$type', '$mod', '$regex', '$options', '$comment'],
  ...['$bitsAllSet', '$bitsAllClear', '$bitsAnySet', '$bitsAnyClear'],
  ...[
    '$near',
    '$nearSphere',
    '$geoNear',
    '$geoWithin',
    '$within',
    '$geoIntersects',
    '$maxDistance',
    '$minDistance',
  ],
]);

/** Checks the whole filter now, so that a faulty one fails even over an empty collection. */
export function compileFilter(filter: Document): Predicate {
  const tests = Object.keys(filter).flatMap((key) => compileEntry(key, filter[key]) ?? []);
  const [only] = tests;
  if (tests.length === 1 && only) return only;
  return (doc) => tests.every((test) => test(doc));
}

function compileEntry(key: string, operand: unknown): Predicate | undefined {
  if (!key.startsWith('$')) return compilePath(key, operand);
  switch (key) {
    case '$and': {
      const branches = compileBranches(key, operand);
      return (doc) => branches.every((branch) => branch(doc));
    }
    case '$or': {
      const branches = compileBranches(key, operand);
      return (doc) => branches.some((branch) => branch(doc));
    }
    case '$nor': {
      const branches = compileBranches(key, operand);
      return (doc) => !branches.some((branch) => branch(doc));
    }
    case '$comment':
      return undefined;
    default:
      if (REFUSED_TOP_LEVEL.has(key)) throw notImplemented(`The query operator ${key}`);
      throw badValue(`unknown top level operator: ${key}`);
  }
}

function compileBranches(key: string, operand: unknown): Predicate[] {
  if (!Array.isArray(operand)) throw badValue(`${key} must be an array`);
  if (operand.length === 0) throw badValue('$and/$or/$nor must be a nonempty array');
  return operand.map((branch: unknown) => {
    if (!isDocument(branch)) throw badValue('$or/$and/$nor entries need to be full objects');
    return compileFilter(branch);
  });
}

function compilePath(path: string, condition: unknown): Predicate {
  const parts = splitPath(path);
  if (isOperatorDocument(condition)) return compileOperators(parts, condition);
  if (isRegex(condition)) throw notImplemented('Matching by a regular expression');
  return atPath(parts, equalTo(condition));
}

function atPath(parts: string[], test: ValueTest): Predicate {
  return (doc) => someAtPath(doc, parts, test);
}

function compileOperators(parts: string[], operators: Document): Predicate {
  const tests = Object.keys(operators).map((name) => compileOperator(parts, name, operators[name]));
  const [only] = tests;
  if (tests.length === 1 && only) return only;
  return (doc) => tests.every((test) => test(doc));
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
      return atPath(
        parts,
        ordered(operand, (order) => order > 0, false),
      );
    case '$gte':
      return atPath(
        parts,
        ordered(operand, (order) => order >= 0, true),
      );
    case '$lt':
      return atPath(
        parts,
        ordered(operand, (order) => order < 0, false),
      );
    case '$lte':
      return atPath(
        parts,
        ordered(operand, (order) => order <= 0, true),
      );
    case '$in':
      return atPath(parts, oneOf(name, operand));
    case '$nin':
      return not(atPath(parts, oneOf(name, operand)));
    case '$exists': {
      const exists = atPath(parts, (value) => value !== MISSING);
      return isTruthy(operand) ? exists : not(exists);
    }
    case '$not':
      return compileNot(parts, operand);
    default:
      if (REFUSED_OPERATORS.has(name)) throw notImplemented(`The query operator ${name}`);
      throw badValue(`unknown operator: ${name}`);
  }
}

function compileNot(parts: string[], operand: unknown): Predicate {
  if (isRegex(operand)) throw notImplemented('Matching by a regular expression');
  if (!isDocument(operand)) throw badValue('$not needs a regex or a document');
  if (Object.keys(operand).length === 0) throw badValue('$not cannot be empty');
  return not(compileOperators(parts, operand));
}

function withoutRegex(operand: unknown): unknown {
  if (isRegex(operand)) throw badValue("Can't have a regular expression as the argument of a comparison");
  return operand;
}

/** As MongoDB reads a flag: any number but zero, any value that is not false or null. */
function isTruthy(value: unknown): boolean {
  if (isNumber(value)) return compareNumbers(value, 0) !== 0;
  return value !== false && !isNullish(value);
}

function checkOperand(operand: unknown): void {
  if (operand === undefined) throw badValue('cannot compare to undefined');
  typeRank(operand);
}

function equalTo(operand: unknown): ValueTest {
  checkOperand(operand);
  if (operand === null) return isNullish;
  return (value) => value !== MISSING && compareValues(value, operand) === 0;
}

/** Only values of the operand's own type are in order with it; null stands also for what is missing. */
function ordered(operand: unknown, accepts: (order: number) => boolean, inclusive: boolean): ValueTest {
  checkOperand(withoutRegex(operand));
  if (operand === null) return (value) => inclusive && isNullish(value);
  const rank = typeRank(operand);
  const type = typeName(operand);
  if (type === 'minKey' || type === 'maxKey') throw notImplemented(`A range bounded by ${type}`);
  if (!isNumber(operand)) {
    return (value) => typeRank(value) === rank && accepts(compareValues(value, operand));
  }
  const operandIsNaN = isNaNValue(operand);
  return (value) => {
    if (typeRank(value) !== rank) return false;
    // NaN is neither above nor below anything, although sorting places it first.
    const valueIsNaN = isNaNValue(value);
    if (operandIsNaN || valueIsNaN) return inclusive && operandIsNaN && valueIsNaN;
    return accepts(compareNumbers(value, operand));
  };
}

function isNaNValue(value: unknown): boolean {
  return compareNumbers(value, NaN) === 0;
}

function oneOf(name: string, operand: unknown): ValueTest {
  if (!Array.isArray(operand)) throw badValue(`${name} needs an array`);
  const tests = operand.map((item: unknown) => {
    if (isOperatorDocument(item)) throw badValue(`cannot nest $ under ${name}`);
    if (isRegex(item)) throw notImplemented('Matching by a regular expression');
    checkOperand(item);
    // Unlike equality with null, null in a list does not take BSON's old undefined.
    if (item === null) return (value: unknown) => value === null || value === MISSING;
    return equalTo(item);
  });
  return (value) => tests.some((test) => test(value));
}
