import { MongoServerFault, notImplemented } from './errors.js';
import { parseFieldPath } from './field-path.js';
import { compareNumbers } from './numbers.js';
import { type Document, isDocument, isNumber, setField } from './values.js';

export type Projection = (doc: Document) => Document;

/** The named fields as a tree: a leaf for a whole field, a branch for fields within it. */
type FieldTree = Map<string, FieldTree | 'whole'>;

/** Inclusion or exclusion of fields. */
export function compileProjection(spec: Document): Projection {
  const names = Object.keys(spec);
  if (names.length === 0) return (doc) => doc;
  const tree: FieldTree = new Map();
  let keeps: boolean | undefined;
  let keepsId: boolean | undefined;
  for (const name of names) {
    const path = parseFieldPath(name);
    const isIncluded = parseFlag(spec[name]);
    if (path[0] === '_id') {
      if (path.length > 1) throw notImplemented('Projecting a part of _id');
      keepsId = isIncluded;
      continue;
    }
    addPath(tree, path);
    if (keeps !== undefined && keeps !== isIncluded) throw mixed(name, isIncluded);
    keeps = isIncluded;
  }
  // If only `_id` is named, its flag decides about all other fields.
  return select(tree, keeps ?? keepsId === true, keepsId);
}

function select(tree: FieldTree, keeps: boolean, keepsId: boolean | undefined): Projection {
  if (keeps) {
    if (keepsId !== false) tree.set('_id', 'whole');
    return (doc) => include(doc, tree);
  }
  if (keepsId === true) throw notImplemented('Including _id in an exclusion');
  if (keepsId === false) tree.set('_id', 'whole');
  return (doc) => exclude(doc, tree);
}

function parseFlag(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (!isNumber(value)) throw notImplemented('A computed projection');
  return compareNumbers(value, 0) !== 0;
}

function mixed(field: string, isIncluded: boolean): MongoServerFault {
  return isIncluded
    ? new MongoServerFault(31253, `Cannot do inclusion on field ${field} in exclusion projection`)
    : new MongoServerFault(31254, `Cannot do exclusion on field ${field} in inclusion projection`);
}

function addPath(tree: FieldTree, path: string[]): void {
  let level = tree;
  for (const [i, part] of path.entries()) {
    const present = level.get(part);
    if (i === path.length - 1) {
      if (present) throw new MongoServerFault(31250, `Path collision at ${path.join('.')}`);
      level.set(part, 'whole');
    } else if (present === 'whole') {
      const rest = path.slice(i + 1).join('.');
      throw new MongoServerFault(31249, `Path collision at ${path.join('.')} remaining portion ${rest}`);
    } else {
      const next: FieldTree = present ?? new Map<string, FieldTree | 'whole'>();
      level.set(part, next);
      level = next;
    }
  }
}

function include(doc: Document, tree: FieldTree): Document {
  const result: Document = {};
  for (const name of Object.keys(doc)) {
    const branch = tree.get(name);
    const value: unknown = doc[name];
    if (branch === 'whole') setField(result, name, value);
    else if (branch && isContainer(value)) setField(result, name, includeWithin(value, branch));
  }
  return result;
}

/** Keeps the documents and arrays of an array, with only the named fields, and drops its scalars. */
function includeWithin(value: unknown, tree: FieldTree): unknown {
  if (!Array.isArray(value)) return include(value as Document, tree);
  return value.filter(isContainer).map((item) => includeWithin(item, tree));
}

function exclude(doc: Document, tree: FieldTree): Document {
  const result: Document = {};
  for (const name of Object.keys(doc)) {
    const branch = tree.get(name);
    if (branch === 'whole') continue;
    setField(result, name, branch ? excludeWithin(doc[name], branch) : doc[name]);
  }
  return result;
}

function excludeWithin(value: unknown, tree: FieldTree): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => excludeWithin(item, tree));
  return isDocument(value) ? exclude(value, tree) : value;
}

function isContainer(value: unknown): boolean {
  return Array.isArray(value) || isDocument(value);
}
