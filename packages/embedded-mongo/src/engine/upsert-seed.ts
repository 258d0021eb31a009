import { requiredConditions } from './conditions.js';
import { notImplemented, notSingleValueField } from './errors.js';
import {
  cloneValue,
  compareStrings,
  type Document,
  getField,
  MISSING,
  setField,
  splitPath,
} from './values.js';

/** The document an upsert starts from: the equalities of the filter. */
export function upsertSeed(filter: Document): Document {
  const equalities = new Map<string, unknown>();
  for (const { path, operator, operand } of requiredConditions(filter)) {
    if (operator !== '$eq') continue;
    if (path.startsWith('_id.')) throw notImplemented('An upsert by a part of _id');
    if (equalities.has(path)) {
      throw notSingleValueField(`cannot infer query fields to set, path '${path}' is matched twice`);
    }
    equalities.set(path, operand);
  }
  const paths = [...equalities.keys()].sort(compareStrings);
  checkNoneWithinAnother(paths);
  const seed: Document = {};
  if (equalities.has('_id')) seed._id = cloneValue(equalities.get('_id'));
  for (const path of paths) plant(seed, splitPath(path), cloneValue(equalities.get(path)));
  return seed;
}

function checkNoneWithinAnother(paths: string[]): void {
  for (const outer of paths) {
    const inner = paths.find((path) => path.startsWith(`${outer}.`));
    if (inner === undefined) continue;
    throw notSingleValueField(
      `cannot infer query fields to set, both paths '${inner}' and '${outer}' are matched`,
    );
  }
}

function plant(seed: Document, parts: string[], value: unknown): void {
  let level = seed;
  for (const [i, part] of parts.entries()) {
    if (part === '' || part.startsWith('$')) throw notImplemented(`An upsert by the path ${parts.join('.')}`);
    if (i === parts.length - 1) {
      setField(level, part, value);
    } else {
      if (getField(level, part) === MISSING) setField(level, part, {});
      level = getField(level, part) as Document;
    }
  }
}
