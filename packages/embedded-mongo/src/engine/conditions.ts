import {
  arrayIndex,
  type Document,
  isDocument,
  isNullish,
  splitPath,
  typeRank,
  valuesEqual,
} from './values.js';

/** A document whose first field begins with `$` holds operators; any other document is a plain value. */
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

/** The conditions that every matching document meets. MongoDB treats an `$or` with one branch as that branch. */
export function* requiredConditions(filter: Document): Generator<Condition> {
  for (const key of Object.keys(filter)) {
    const operand: unknown = filter[key];
    if (key === '$or') {
      const [branch, ...others] = operand as Document[];
      if (branch && others.length === 0) yield* requiredConditions(branch);
    } else if (isOperatorDocument(operand)) {
      for (const operator of Object.keys(operand)) {
        yield singleEquality({ path: key, operator, operand: operand[operator] });
      }
    } else {
      yield { path: key, operator: '$eq', operand };
    }
  }
}

/** MongoDB rewrites an `$in` with one distinct value to equality before it plans anything. */
function singleEquality(condition: Condition): Condition {
  if (condition.operator !== '$in') return condition;
  const [first, ...rest] = condition.operand as unknown[];
  if (first === undefined || !rest.every((item) => valuesEqual(item, first))) return condition;
  return { ...condition, operator: '$eq', operand: first };
}

/**
 * Conditions by which an index narrows the candidates; the whole filter is then applied to each of them. `eq:
 * null`, and null within `in`, also match a missing value. Bounds hold only among values of one type. Operands that
 * are arrays or documents, null as a bound, and paths with a numeric step are left out: an index easily gets those
 * wrong.
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
