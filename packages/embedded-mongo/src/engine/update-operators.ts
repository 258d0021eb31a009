import { badValue, dollarPrefixedFieldName, notImplemented, typeMismatch } from './errors.js';
import { addNumbers, wholeNumber } from './numbers.js';
import {
  cloneValue,
  compareValues,
  identicalValues,
  isDocument,
  isNumber,
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
  /** The value to create if the path leads to nothing; without this function the path is not created. */
  create?: (context: UpdateContext) => unknown;
  /** The replacement of the current value, or one of the two symbols above. */
  change: (current: unknown, context: UpdateContext) => unknown;
  onlyOnInsert?: boolean;
}

type ModifierParser = (operand: unknown, path: string) => Modifier;

const PARSERS = new Map<string, ModifierParser>([
  ['$set', parseSet],
  ['$setOnInsert', (operand) => ({ ...parseSet(operand), onlyOnInsert: true })],
  ['$unset', () => ({ change: () => REMOVED })],
  ['$inc', parseInc],
  ['$max', parseMax],
  ['$push', parsePush],
  ['$addToSet', parseAddToSet],
  ['$currentDate', parseCurrentDate],
]);

export function modifierParser(operator: string): ModifierParser {
  const parser = PARSERS.get(operator);
  if (!parser) throw notImplemented(`The update operator ${operator}`);
  return parser;
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

function parseMax(operand: unknown): Modifier {
  return {
    create: () => cloneValue(operand),
    change: (current) => (compareValues(operand, current) > 0 ? cloneValue(operand) : UNCHANGED),
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
  const other = Object.keys(operand).find((clause) => clause !== '$each' && clause !== '$slice');
  if (other !== undefined) throw notImplemented(`$push with ${other}`);
  if (!Object.hasOwn(operand, '$slice')) return { items, slice: undefined };
  const slice = wholeNumber(operand.$slice);
  if (slice === undefined) throw badValue('The value for $slice must be an integer value');
  return { items, slice };
}

/** A positive number keeps that many items from the start, a negative number keeps them from the end. */
function sliced(items: unknown[], slice: number | undefined): unknown[] {
  if (slice === undefined) return items;
  if (slice === 0) return [];
  return slice > 0 ? items.slice(0, slice) : items.slice(slice);
}

function parseAddToSet(operand: unknown, path: string): Modifier {
  if (isDocument(operand) && Object.hasOwn(operand, '$each')) throw notImplemented('$addToSet with $each');
  return {
    create: () => [cloneValue(operand)],
    change: (current) => {
      if (!Array.isArray(current)) {
        throw badValue(
          `Cannot apply $addToSet to non-array field. Field named '${path}' has non-array type ${typeName(current)}`,
        );
      }
      const isPresent = current.some((item) => valuesEqual(item, operand));
      return isPresent ? UNCHANGED : [...(current as unknown[]), cloneValue(operand)];
    },
  };
}

function parseCurrentDate(operand: unknown): Modifier {
  if (operand !== true) throw notImplemented('$currentDate with anything but true');
  const now = (context: UpdateContext) => new Date(context.now);
  return { create: now, change: (_current, context) => now(context) };
}

/** A field whose name begins with `$` would be read as an operator or a reference later. */
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
  throw dollarPrefixedFieldName(
    `The dollar ($) prefixed field '${name}' in '${path}' is not valid for storage.`,
  );
}
