import {
  type Document,
  arrayIndex,
  isDocument,
  isNullish,
  splitPath,
  typeRank,
  valuesEqual,
} from './values.js';

/** A document whose first field begins with `$` holds operators; any other document is a value to equal. */
export function isOperatorDocument(value: unknown): value is Document {
  return isDocument(value) && (Object.keys(value)[0]?.startsWith('$') ?? false);
}

/** One operator on one path of a filter; plain equality appears as `$eq`. */
export interface Condition {
  path: string;
  operator: string;
  operand: unknown;
}

export interface PathConditions {
  eq?: unknown;
  in?: unknown[];
  gt?: unknown;
  gte?: unknown;
  lt?: unknown;
  lte?: unknown;
}

/** The conditions every matching document must meet: those joined by AND, through `$and` and a lone `$or`. */
export function* requiredConditions(filter: Document): Generator<Condition> {
  for (const key of Object.keys(filter)) {
    const operand: unknown = filter[key];
    if (key === '$and' || (key === '$or' && (operand as unknown[]).length === 1)) {
      for (const branch of operand as Document[]) yield* requiredConditions(branch);
    } else if (key.startsWith('$')) {
      continue;
    } else if (isOperatorDocument(operand)) {
      for (const operator of Object.keys(operand)) {
        yield singleEquality({ path: key, operator, operand: operand[operator] });
      }
    } else {
      yield { path: key, operator: '$eq', operand };
    }
  }
}

/** `$in` with one value is equality; MongoDB rewrites it so before it looks at the filter any further. */
function singleEquality(condition: Condition): Condition {
  if (condition.operator !== '$in') return condition;
  const [first, ...rest] = condition.operand as unknown[];
  if (first === undefined || !rest.every((item) => valuesEqual(item, first))) return condition;
  return { ...condition, operator: '$eq', operand: first };
}

/**
 * Conditions an index may narrow the candidates by; the filter itself must be applied to what it finds.
 * They are met by *some* value at the path, so over arrays two bounds may be met by different elements, and an
 * array offers itself as well as its elements. `eq: null` (and null within `in`) also takes what is missing.
 * Bounds hold among values of the same type only. Operands that are arrays or documents, and null as a
 * bound, are left out: an index seldom serves them and is easily wrong about them. So are paths with a numeric
 * step, which a filter takes for a name and a position at once, and a key for one of the two.
 */
export function indexableConditions(filter: Document): Map<string, PathConditions> {
  const byPath = new Map<string, PathConditions>();
  for (const { path, operator, operand } of requiredConditions(filter)) {
    if (hasPosition(path)) continue;
    const conditions = byPath.get(path) ?? {};
    if (addCondition(conditions, operator, operand)) byPath.set(path, conditions);
  }
  return byPath;
}

function hasPosition(path: string): boolean {
  return splitPath(path).some((part) => arrayIndex(part) !== undefined);
}

function addCondition(conditions: PathConditions, operator: string, operand: unknown): boolean {
  switch (operator) {
    case '$eq':
      if (!isScalar(operand)) return false;
      if (!('eq' in conditions)) conditions.eq = operand;
      return true;
    case '$in':
      if (!(operand as unknown[]).every(isScalar)) return false;
      conditions.in ??= operand as unknown[];
      return true;
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      if (!isScalar(operand) || isNullish(operand)) return false;
      conditions[operator.slice(1) as 'gt' | 'gte' | 'lt' | 'lte'] ??= operand;
      return true;
    default:
      return false;
  }
}

function isScalar(value: unknown): boolean {
  typeRank(value);
  return !Array.isArray(value) && !isDocument(value);
}
