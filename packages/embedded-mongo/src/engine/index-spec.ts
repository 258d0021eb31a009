import { describeDocument } from './describe-value.js';
import {
  badValue,
  cannotCreateIndex,
  failedToParse,
  MongoServerFault,
  notImplemented,
  typeMismatch,
} from './errors.js';
import { compileFilter } from './match.js';
import { wholeNumber } from './numbers.js';
import { arrayIndex, compareValues, type Document, isDocument, isNumber, typeName } from './values.js';

export interface IndexSpec {
  namespace: string;
  name: string;
  key: Document;
  unique: boolean;
  expireAfterSeconds: number | undefined;
  partialFilterExpression: Document | undefined;
  /** The spec as listIndexes shows it. */
  shown: Document;
}

const MAX_EXPIRY_SECONDS = 2 ** 31 - 1;
const OPTIONS = new Set('key name v unique background expireAfterSeconds partialFilterExpression'.split(' '));
const PARTIAL_OPERATORS = new Set(['$eq', '$exists', '$gt', '$gte', '$lt', '$lte']);

export function idIndexSpec(namespace: string): IndexSpec {
  const key = { _id: 1 };
  return {
    namespace,
    name: '_id_',
    key,
    unique: true,
    expireAfterSeconds: undefined,
    partialFilterExpression: undefined,
    shown: { v: 2, key, name: '_id_' },
  };
}

/** Checks one element of createIndexes; refuses what this server cannot keep exactly. */
export function parseIndexSpec(namespace: string, given: Document): IndexSpec {
  refuseOtherOptions(given);
  const key = parseKey(given);
  const name: unknown = given.name;
  if (name === undefined) throw specFault(given, "The 'name' field is a required property", failedToParse);
  if (typeof name !== 'string') throw specFault(given, "The field 'name' must be a string", typeMismatch);
  if (name === '' || name === '*')
    throw specFault(given, 'index name cannot be empty or *', cannotCreateIndex);
  const unique = parseUnique(given);
  const expireAfterSeconds = parseExpiry(given, key);
  const partialFilterExpression = parsePartial(given);
  const shown = shownSpec(given, { v: 2, ...(unique ? { unique } : {}), key, name });
  return { namespace, name, key, unique, expireAfterSeconds, partialFilterExpression, shown };
}

/** In MongoDB's order: first what every index has, then the options in the given order. */
function shownSpec(given: Document, shown: Document): Document {
  for (const option of ['background', 'expireAfterSeconds', 'partialFilterExpression']) {
    const value: unknown = given[option];
    if (value !== undefined && value !== false) shown[option] = value;
  }
  return shown;
}

type Fault = (message: string) => MongoServerFault;

function specFault(given: Document, problem: string, fault: Fault): MongoServerFault {
  return fault(`Error in specification ${describeDocument(given)} :: caused by :: ${problem}`);
}

function refuseOtherOptions(given: Document): void {
  const option = Object.keys(given).find((name) => !OPTIONS.has(name));
  if (option !== undefined) throw notImplemented(`The index option ${option}`);
  if (given.v !== undefined && wholeNumber(given.v) !== 2)
    throw notImplemented('An index of another version');
}

function parseKey(given: Document): Document {
  const key: unknown = given.key;
  if (key === undefined) throw specFault(given, "The 'key' field is a required property", failedToParse);
  if (!isDocument(key)) throw specFault(given, "The field 'key' must be an object", typeMismatch);
  const paths = Object.keys(key);
  if (paths.length === 0) throw specFault(given, 'Index keys cannot be empty.', cannotCreateIndex);
  if (paths.length > 32) throw specFault(given, 'Too many fields in the index key', cannotCreateIndex);
  for (const path of paths) {
    checkKeyPath(given, path);
    checkDirection(given, key[path]);
  }
  if (paths.length === 1 && paths[0] === '_id') checkIdKey(given, key);
  return key;
}

function checkKeyPath(given: Document, path: string): void {
  const parts = path.split('.');
  if (parts.some((part) => part === '')) {
    throw specFault(given, 'Index keys cannot contain an empty field.', cannotCreateIndex);
  }
  // Wildcard indexes and DBRefs.
  if (parts.some((part) => part.startsWith('$'))) throw notImplemented(`An index over ${path}`);
  // Such a step means a field in one document and a position in an array in another.
  if (parts.some((part) => arrayIndex(part) !== undefined)) {
    throw notImplemented('An index over a numeric path step');
  }
}

function checkDirection(given: Document, direction: unknown): void {
  if (typeof direction === 'string') throw notImplemented(`A ${direction} index`);
  if (!isNumber(direction)) {
    const problem = `Values in v:2 index key pattern cannot be of type ${typeName(direction)}`;
    throw specFault(given, problem, cannotCreateIndex);
  }
  if (compareValues(direction, 0) === 0 || compareValues(direction, NaN) === 0) {
    throw specFault(given, 'Values in the index key pattern cannot be 0.', cannotCreateIndex);
  }
}

function checkIdKey(given: Document, key: Document): void {
  if (compareValues(key._id, 1) !== 0) {
    throw badValue(`The field 'key' for an _id index must be {_id: 1}, but got ${describeDocument(key)}`);
  }
  for (const option of ['unique', 'expireAfterSeconds', 'partialFilterExpression']) {
    if (!Object.hasOwn(given, option)) continue;
    throw new MongoServerFault(197, `The field '${option}' is not valid for an _id index specification.`);
  }
}

function parseUnique({ unique }: Document): boolean {
  if (unique === undefined) return false;
  if (typeof unique !== 'boolean') throw notImplemented(`The index option unique as ${typeName(unique)}`);
  return unique;
}

function parseExpiry(given: Document, key: Document): number | undefined {
  const value: unknown = given.expireAfterSeconds;
  if (value === undefined) return undefined;
  const fault = (problem: string) =>
    cannotCreateIndex(`TTL index ${problem}. Index spec: ${describeDocument(given)}`);
  if (!isNumber(value)) throw fault(`'expireAfterSeconds' must be numeric, not a ${typeName(value)}`);
  if (compareValues(value, 0) < 0) throw fault(`'expireAfterSeconds' cannot be less than 0`);
  const seconds = wholeNumber(value);
  if (seconds === undefined) throw notImplemented('A fraction of a second as expireAfterSeconds');
  if (seconds > MAX_EXPIRY_SECONDS) throw fault(`'expireAfterSeconds' must be within an acceptable range`);
  if (Object.keys(key).length > 1)
    throw fault('is a single-field index, compound indexes do not support TTL');
  return seconds;
}

/** Conditions whose implications the planner can follow: values and ranges of single fields, and `$exists: true`. */
function parsePartial(given: Document): Document | undefined {
  const filter: unknown = given.partialFilterExpression;
  if (filter === undefined) return undefined;
  if (!isDocument(filter)) {
    throw specFault(given, "The field 'partialFilterExpression' must be an object", typeMismatch);
  }
  for (const path of Object.keys(filter)) {
    if (path.startsWith('$')) throw notImplemented(`${path} in a partialFilterExpression`);
    const operand: unknown = filter[path];
    const operators = isDocument(operand) ? Object.keys(operand).filter((name) => name.startsWith('$')) : [];
    const other = operators.find((name) => !PARTIAL_OPERATORS.has(name));
    if (other !== undefined) throw notImplemented(`${other} in a partialFilterExpression`);
    if (isDocument(operand) && operand.$exists === false) {
      const problem = `unsupported expression in partial index: ${path} $exists`;
      throw specFault(given, problem, cannotCreateIndex);
    }
  }
  compileFilter(filter);
  return filter;
}
