import {
  MongoServerFault,
  badValue,
  cannotCreateIndex,
  failedToParse,
  notImplemented,
  typeMismatch,
} from './errors.js';
import { compileFilter } from './match.js';
import { wholeNumber } from './numbers.js';
import { describeDocument } from './describe-value.js';
import { type Document, arrayIndex, compareValues, isDocument, isNumber, typeName } from './values.js';
import { NamedFault } from './named-fault.js';

export interface IndexSpec {
  namespace: string;
  name: string;
  key: Document;
  unique: boolean;
  sparse: boolean;
  expireAfterSeconds: number | undefined;
  partialFilterExpression: Document | undefined;
  /** As listIndexes shows it. */
  shown: Document;
}

const TWO_GB = 2 ** 31 - 1;
const KNOWN_KINDS = new Set(['hashed', 'text', '2d', '2dsphere', 'geoHaystack']);
const READ_OPTIONS = new Set(['key', 'name', 'v', 'ns', 'unique', 'sparse', 'background']);
const PARTIAL_OPERATORS = new Set(['$eq', '$exists', '$gt', '$gte', '$lt', '$lte']);

export function idIndexSpec(namespace: string): IndexSpec {
  return {
    ...{ namespace, name: '_id_', key: { _id: 1 }, unique: true, sparse: false },
    ...{ expireAfterSeconds: undefined, partialFilterExpression: undefined },
    shown: { v: 2, key: { _id: 1 }, name: '_id_' },
  };
}

/** Checks one element of createIndexes; what it cannot keep exactly, it refuses. */
export function parseIndexSpec(namespace: string, given: Document): IndexSpec {
  const key = parseKey(given);
  const name: unknown = given.name;
  if (name === undefined) throw specFault(given, "The 'name' field is a required property", failedToParse);
  if (typeof name !== 'string') throw specFault(given, "The field 'name' must be a string", typeMismatch);
  if (name === '' || name === '*')
    throw specFault(given, 'index name cannot be empty or *', cannotCreateIndex);
  const unique = flag(given, 'unique');
  const sparse = flag(given, 'sparse');
  const expireAfterSeconds = parseExpiry(given, key);
  const partialFilterExpression = parsePartial(given, sparse);
  refuseOtherOptions(given);
  const shown = shownSpec(given, { v: 2, ...(unique ? { unique } : {}), key, name });
  return { namespace, name, key, unique, sparse, expireAfterSeconds, partialFilterExpression, shown };
}

/** In MongoDB's order: what every index has first, then the options as they were given. */
function shownSpec(given: Document, shown: Document): Document {
  for (const option of ['background', 'sparse', 'expireAfterSeconds', 'partialFilterExpression']) {
    const value: unknown = given[option];
    if (value !== undefined && value !== false) shown[option] = value;
  }
  return shown;
}

type Fault = (message: string) => MongoServerFault;

function specFault(given: Document, problem: string, fault: Fault): MongoServerFault {
  return fault(`Error in specification ${describeDocument(given)} :: caused by :: ${problem}`);
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
  if (parts.includes('$**')) throw notImplemented('A wildcard index');
  if (parts.some((part) => part === '')) {
    throw specFault(given, 'Index keys cannot contain an empty field.', cannotCreateIndex);
  }
  if (['$ref', '$id', '$db'].includes(parts[parts.length - 1]!))
    throw notImplemented('An index into a DBRef');
  if (parts.some((part) => part.startsWith('$'))) {
    throw specFault(given, "Index key contains an illegal field name: '$'.", cannotCreateIndex);
  }
  // Whether such a step means a field or a place in an array differs from document to document.
  if (parts.some((part) => arrayIndex(part) !== undefined)) {
    throw notImplemented('An index over a numeric path step');
  }
}

function checkDirection(given: Document, direction: unknown): void {
  if (typeof direction === 'string') {
    if (KNOWN_KINDS.has(direction)) throw notImplemented(`A ${direction} index`);
    throw specFault(given, `Unknown index plugin '${direction}'`, cannotCreateIndex);
  }
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
  for (const option of ['unique', 'sparse', 'expireAfterSeconds', 'partialFilterExpression']) {
    if (!Object.hasOwn(given, option)) continue;
    throw new NamedFault(197, `The field '${option}' is not valid for an _id index specification.`);
  }
}

function flag(given: Document, name: string): boolean {
  const value: unknown = given[name];
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  if (isNumber(value)) return compareValues(value, 0) !== 0;
  throw notImplemented(`The index option ${name} given as ${typeName(value)}`);
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
  if (seconds > TWO_GB) throw fault(`'expireAfterSeconds' must be within an acceptable range`);
  if (Object.keys(key).length > 1)
    throw fault('is a single-field index, compound indexes do not support TTL');
  return seconds;
}

function parsePartial(given: Document, sparse: boolean): Document | undefined {
  const filter: unknown = given.partialFilterExpression;
  if (filter === undefined) return undefined;
  if (!isDocument(filter)) {
    throw specFault(given, "The field 'partialFilterExpression' must be an object", typeMismatch);
  }
  if (sparse) {
    throw specFault(given, 'cannot mix "partialFilterExpression" and "sparse" options', cannotCreateIndex);
  }
  checkPartial(given, filter, true);
  compileFilter(filter);
  return filter;
}

/** MongoDB takes only conditions whose implications its planner can follow. */
function checkPartial(given: Document, filter: Document, top: boolean): void {
  const unsupported = (what: string) =>
    specFault(given, `unsupported expression in partial index: ${what}`, cannotCreateIndex);
  for (const key of Object.keys(filter)) {
    const operand: unknown = filter[key];
    if (key === '$and') {
      if (!top) throw unsupported('$and only supported in partialFilterExpression at top level');
      for (const branch of operand as Document[]) checkPartial(given, branch, false);
    } else if (key.startsWith('$')) {
      throw unsupported(key);
    } else if (isDocument(operand)) {
      for (const operator of Object.keys(operand)) {
        if (!operator.startsWith('$')) break;
        if (operator === '$type') continue; // left to the filter, which refuses it
        if (!PARTIAL_OPERATORS.has(operator) || (operator === '$exists' && operand.$exists === false)) {
          throw unsupported(`${key} ${operator}`);
        }
      }
    }
  }
}

function refuseOtherOptions(given: Document): void {
  for (const option of Object.keys(given)) {
    if (READ_OPTIONS.has(option)) continue;
    if (option === 'expireAfterSeconds' || option === 'partialFilterExpression') continue;
    if (option === 'hidden' && given.hidden === false) continue;
    const simple = isDocument(given.collation) && given.collation.locale === 'simple';
    if (option === 'collation' && simple) continue;
    throw notImplemented(`The index option ${option}`);
  }
  if (given.v !== undefined && wholeNumber(given.v) !== 2)
    throw notImplemented('An index of another version');
}
