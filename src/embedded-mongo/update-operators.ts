import { isOperatorDocument } from './conditions.js';
import { MongoServerFault, badValue, failedToParse, notImplemented, typeMismatch } from './errors.js';
import { compileFilter } from './match.js';
import { addNumbers, wholeNumber } from './numbers.js';
import {
  cloneValue,
  compareValues,
  identicalValues,
  isDocument,
  isNumber,
  isRegex,
  typeName,
  valuesEqual,
} from './values.js';

export interface UpdateContext {
  now: Date;
  inserting: boolean;
}

export const UNCHANGED = Symbol('unchanged');
export const REMOVED = Symbol('removed');

/** What one operator does at one path. */
export interface Modifier {
  /** The value to put where the path leads to nothing; without it the path is not created. */
  create?: (context: UpdateContext) => unknown;
  /** The value to put in the place of another, or one of the two symbols above. */
  change: (current: unknown, context: UpdateContext) => unknown;
  /** Whether a path through a scalar is an error (as for most) or simply leads nowhere. */
  mayLeadNowhere?: boolean;
  onlyOnInsert?: boolean;
}

type ModifierParser = (operand: unknown, path: string) => Modifier;

const REFUSED_MODIFIERS = new Set(['$rename', '$mul', '$bit', '$pop', '$pullAll']);

const PARSERS = new Map<string, ModifierParser>([
  ['$set', parseSet],
  ['$setOnInsert', (operand) => ({ ...parseSet(operand), onlyOnInsert: true })],
  ['$unset', () => ({ change: () => REMOVED, mayLeadNowhere: true })],
  ['$inc', parseInc],
  ['$min', (operand) => parseExtreme(operand, -1)],
  ['$max', (operand) => parseExtreme(operand, 1)],
  ['$push', parsePush],
  ['$addToSet', parseAddToSet],
  ['$pull', parsePull],
  ['$currentDate', parseCurrentDate],
]);

export function modifierParser(operator: string): ModifierParser {
  const parser = PARSERS.get(operator);
  if (parser) return parser;
  if (REFUSED_MODIFIERS.has(operator)) throw notImplemented(`The update operator ${operator}`);
  throw failedToParse(
    `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
  );
}

function parseSet(operand: unknown): Modifier {
  return {
    create: () => cloneValue(operand),
    change: (current) => (identicalValues(current, operand) ? UNCHANGED : cloneValue(operand)),
  };
}

function parseInc(operand: unknown, path: string): Modifier {
  if (!isNumber(operand)) throw typeMismatch(`Cannot increment with non-numeric argument: {${path}: ...}`);
  return {
    create: () => operand,
    change: (current) => {
      if (!isNumber(current)) {
        throw typeMismatch(
          `Cannot apply $inc to a value of non-numeric type. The field '${path}' is of type ${typeName(current)}`,
        );
      }
      const sum = addNumbers(current, operand);
      if (sum === undefined)
        throw badValue(`Failed to apply $inc operations to the current value of '${path}'`);
      return identicalValues(sum, current) ? UNCHANGED : sum;
    },
  };
}

function parseExtreme(operand: unknown, direction: 1 | -1): Modifier {
  return {
    create: () => cloneValue(operand),
    change: (current) => (direction * compareValues(operand, current) > 0 ? cloneValue(operand) : UNCHANGED),
  };
}

function parsePush(operand: unknown, path: string): Modifier {
  const { items, slice } = parsePushArgument(operand);
  return {
    create: () => sliced(cloneValue(items), slice),
    change: (current) => {
      if (!Array.isArray(current)) {
        throw badValue(`The field '${path}' must be an array but is of type ${typeName(current)}`);
      }
      const result = sliced([...(current as unknown[]), ...cloneValue(items)], slice);
      return identicalValues(result, current) ? UNCHANGED : result;
    },
  };
}

function parsePushArgument(operand: unknown): { items: unknown[]; slice: number | undefined } {
  if (!isDocument(operand) || !Object.hasOwn(operand, '$each')) return { items: [operand], slice: undefined };
  const items: unknown = operand.$each;
  if (!Array.isArray(items)) {
    throw badValue(`The argument to $each in $push must be an array but it was of type: ${typeName(items)}`);
  }
  for (const clause of Object.keys(operand)) {
    if (clause === '$sort' || clause === '$position') throw notImplemented(`$push with ${clause}`);
    if (clause !== '$each' && clause !== '$slice') throw badValue(`Unrecognized clause in $push: ${clause}`);
  }
  if (!Object.hasOwn(operand, '$slice')) return { items, slice: undefined };
  const slice = wholeNumber(operand.$slice);
  if (slice === undefined) throw badValue('The value for $slice must be an integer value');
  return { items, slice };
}

/** The first so many, or with a negative number the last. */
function sliced(items: unknown[], slice: number | undefined): unknown[] {
  if (slice === undefined) return items;
  if (slice === 0) return [];
  return slice > 0 ? items.slice(0, slice) : items.slice(slice);
}

function parseAddToSet(operand: unknown, path: string): Modifier {
  const items = addToSetItems(operand);
  return {
    create: () => cloneValue(unionOf([], items)),
    change: (current) => {
      if (!Array.isArray(current)) {
        throw badValue(
          `Cannot apply $addToSet to non-array field. Field named '${path}' has non-array type ${typeName(current)}`,
        );
      }
      const result = unionOf(current as unknown[], items);
      return result.length === current.length ? UNCHANGED : cloneValue(result);
    },
  };
}

function addToSetItems(operand: unknown): unknown[] {
  if (!isDocument(operand) || Object.keys(operand)[0] !== '$each') return [operand];
  const items: unknown = operand.$each;
  if (!Array.isArray(items)) {
    throw typeMismatch(
      `The argument to $each in $addToSet must be an array but it was of type ${typeName(items)}`,
    );
  }
  if (Object.keys(operand).length > 1) throw badValue('Found unexpected fields after $each in $addToSet');
  return items;
}

/** Duplicates already in the array stay; only what is added is compared. */
function unionOf(current: unknown[], items: unknown[]): unknown[] {
  const result = [...current];
  for (const item of items) {
    if (!result.some((present) => valuesEqual(present, item))) result.push(item);
  }
  return result;
}

function parsePull(operand: unknown): Modifier {
  const isPulled = pullTest(operand);
  return {
    change: (current) => {
      if (!Array.isArray(current)) throw badValue('Cannot apply $pull to a non-array value');
      const kept = current.filter((item) => !isPulled(item));
      return kept.length === current.length ? UNCHANGED : kept;
    },
  };
}

/** Operators apply to the element itself, a plain document is a filter over document elements, the rest equals. */
function pullTest(operand: unknown): (item: unknown) => boolean {
  if (isRegex(operand)) throw notImplemented('$pull by a regular expression');
  if (isOperatorDocument(operand)) {
    const [first = ''] = Object.keys(operand);
    if (['$and', '$or', '$nor'].includes(first)) throw notImplemented(`$pull with ${first}`);
    const matches = compileFilter({ element: operand });
    return (element) => matches({ element });
  }
  if (isDocument(operand)) {
    const matches = compileFilter(operand);
    return (item) => isDocument(item) && matches(item);
  }
  return (item) => valuesEqual(item, operand);
}

function parseCurrentDate(operand: unknown): Modifier {
  const type = typeof operand === 'boolean' ? 'date' : currentDateType(operand);
  if (type === 'timestamp') throw notImplemented("$currentDate with { $type: 'timestamp' }");
  if (type !== 'date') throw badValue("The '$type' string field is required to be 'date' or 'timestamp'");
  const now = (context: UpdateContext) => new Date(context.now);
  return { create: now, change: (_current, context) => now(context) };
}

function currentDateType(operand: unknown): unknown {
  if (!isDocument(operand)) throw badValue(`${typeName(operand)} is not valid type for $currentDate`);
  const unknownName = Object.keys(operand).find((name) => name !== '$type');
  if (unknownName !== undefined) throw badValue(`Unrecognized $currentDate option: ${unknownName}`);
  return operand.$type;
}

/** MongoDB would take a field of this name for an operator or a reference wherever it is read again. */
export function checkStorable(value: unknown, path: string): void {
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) checkStorable(item, path);
  } else if (isDocument(value)) {
    for (const name of Object.keys(value)) {
      checkFieldName(name, `${path}.${name}`);
      checkStorable(value[name], `${path}.${name}`);
    }
  }
}

export function checkFieldName(name: string, path: string): void {
  if (!name.startsWith('$')) return;
  throw new MongoServerFault(
    52,
    `The dollar ($) prefixed field '${name}' in '${path}' is not valid for storage.`,
  );
}
