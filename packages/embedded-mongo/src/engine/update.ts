import {
  conflictingUpdate,
  emptyFieldName,
  failedToParse,
  immutableField,
  notImplemented,
} from './errors.js';
import { modifierParser, type UpdateContext } from './update-operators.js';
import { modifyAt, type PathModifier } from './update-path.js';
import {
  cloneValue,
  compareStrings,
  type Document,
  getField,
  identicalValues,
  isDocument,
  MISSING,
  setField,
  splitPath,
  typeName,
  valuesEqual,
} from './values.js';

/** Returns the document after the update: the same object if nothing changed, otherwise a new one. */
export type CompiledUpdate = (doc: Document, context: UpdateContext) => Document;

/** Checks the update first, so that an invalid one fails even if it finds nothing to change. */
export function compileUpdate(update: unknown): CompiledUpdate {
  if (Array.isArray(update)) throw notImplemented('An update by an aggregation pipeline');
  if (!isDocument(update)) throw failedToParse('Update argument must be either an object or an array');
  const modifiers = parseModifiers(update);
  return (doc, context) => applyModifiers(doc, modifiers, context);
}

function applyModifiers(doc: Document, modifiers: PathModifier[], context: UpdateContext): Document {
  const copy = cloneValue(doc);
  const id = getField(doc, '_id');
  let changed = false;
  for (const modifier of modifiers) {
    if (!modifyAt(copy, modifier, context)) continue;
    changed = true;
    if (id !== MISSING && modifier.parts[0] === '_id') checkSameId(id, getField(copy, '_id'));
  }
  if (context.inserting) return withIdFirst(copy, getField(copy, '_id'));
  return changed ? copy : doc;
}

function checkSameId(id: unknown, newId: unknown): void {
  if (newId === MISSING || !valuesEqual(id, newId)) {
    throw immutableField("Performing an update on the path '_id' would modify the immutable field '_id'");
  }
  if (!identicalValues(id, newId)) throw notImplemented('Replacing _id by an equal value of another type');
}

/** A new document whose first field is `_id`, as in every stored document. */
function withIdFirst(doc: Document, id: unknown): Document {
  if (id === MISSING) return doc;
  const result: Document = { _id: id };
  for (const name of Object.keys(doc)) if (name !== '_id') setField(result, name, doc[name]);
  return result;
}

/** Sorted by path, as MongoDB applies them: the order decides the place of new fields and the first error. */
function parseModifiers(update: Document): PathModifier[] {
  if (!Object.keys(update)[0]?.startsWith('$')) throw notImplemented('The replacement of a whole document');
  const modifiers: PathModifier[] = [];
  const claimed: ClaimedPaths = new Map();
  for (const operator of Object.keys(update)) {
    const parse = modifierParser(operator);
    const operands: unknown = update[operator];
    if (!isDocument(operands)) {
      throw failedToParse(
        `Modifiers operate on fields but we found type ${typeName(operands)} instead for ${operator}`,
      );
    }
    for (const path of Object.keys(operands)) {
      const parts = updatePathParts(path);
      const modifier = parse(operands[path], path);
      claim(claimed, parts, path);
      modifiers.push({ path, parts, modifier });
    }
  }
  return modifiers.sort((a, b) => comparePaths(a.parts, b.parts));
}

function updatePathParts(path: string): string[] {
  if (path === '') throw emptyFieldName('An empty update path is not valid.');
  const parts = splitPath(path);
  for (const part of parts) {
    if (part === '') throw emptyFieldName(`The update path '${path}' contains an empty field name`);
    if (part === '$' || part.startsWith('$['))
      throw notImplemented('A positional operator in an update path');
    if (['$ref', '$id', '$db'].includes(part)) throw notImplemented('An update within a DBRef');
  }
  return parts;
}

type ClaimedPaths = Map<string, ClaimedPaths | 'whole'>;

/** Two operators at the same path, or at a path and a part of it, have no order and are refused. */
function claim(claimed: ClaimedPaths, parts: string[], path: string): void {
  let level = claimed;
  for (const [i, part] of parts.entries()) {
    const present = level.get(part);
    const isLast = i === parts.length - 1;
    if (present === 'whole' || (present && isLast)) {
      const at = parts.slice(0, i + 1).join('.');
      throw conflictingUpdate(`Updating the path '${path}' would create a conflict at '${at}'`);
    }
    if (isLast) {
      level.set(part, 'whole');
    } else {
      const next: ClaimedPaths = present ?? new Map<string, ClaimedPaths | 'whole'>();
      level.set(part, next);
      level = next;
    }
  }
}

function comparePaths(a: string[], b: string[]): number {
  for (const [i, part] of a.entries()) {
    const difference = compareStrings(part, b[i] ?? '');
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
