import { MongoServerFault, notImplemented } from './errors.js';
import { parseFieldPath } from './field-path.js';
import { compareNumbers } from './numbers.js';
import { type Document, isDocument, isNumber, setField } from './values.js';

export type Projection = (doc: Document) => Document;

/** The named fields as a tree: `true` for a whole field, a branch for fields within it. */
type FieldTree = Map<string, FieldTree | true>;

interface Parsed {
  /** Unknown as long as only `_id` has been named, which goes with either. */
  keeps: boolean | undefined;
  id: boolean | undefined;
  tree: FieldTree;
}

/** Inclusion or exclusion of fields, as in find and `$project`; computed fields are refused. */
export function compileProjection(spec: Document): Projection {
  if (Object.keys(spec).length === 0) return (doc) => doc;
  const parsed: Parsed = { keeps: undefined, id: undefined, tree: new Map() };
  parseLevel(spec, [], parsed);
  const { id, tree } = parsed;
  const keeps = parsed.keeps ?? id ?? true;
  if (keeps) {
    if (id !== false) tree.set('_id', true);
    return (doc) => include(doc, tree);
  }
  if (id === true) throw notImplemented('Including _id in an exclusion');
  if (id === false) tree.set('_id', true);
  return (doc) => exclude(doc, tree);
}

function parseLevel(spec: Document, prefix: string[], parsed: Parsed): void {
  for (const name of Object.keys(spec)) {
    if (prefix.length > 0 && name.includes('.')) throw notImplemented('A dotted path in a sub-projection');
    const path = [...prefix, ...parseFieldPath(name)];
    const value: unknown = spec[name];
    if (isDocument(value)) {
      if (Object.keys(value).some((key) => key.startsWith('$')))
        throw notImplemented('A computed projection');
      if (Object.keys(value).length === 0) {
        throw new MongoServerFault(51270, 'An empty sub-projection is not a valid value.');
      }
      parseLevel(value, path, parsed);
    } else {
      parseField(path, isIncluded(value), parsed);
    }
  }
}

function isIncluded(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (!isNumber(value)) throw notImplemented('A computed projection');
  return compareNumbers(value, 0) !== 0;
}

function parseField(path: string[], included: boolean, parsed: Parsed): void {
  if (path[0] === '_id') {
    if (path.length > 1) throw notImplemented('Projecting a part of _id');
    parsed.id = included;
    return;
  }
  addPath(parsed.tree, path);
  if (parsed.keeps !== undefined && parsed.keeps !== included) throw mixed(path, included);
  parsed.keeps = included;
}

function mixed(path: string[], included: boolean): MongoServerFault {
  const field = path.join('.');
  return included
    ? new MongoServerFault(31253, `Cannot do inclusion on field ${field} in exclusion projection`)
    : new MongoServerFault(31254, `Cannot do exclusion on field ${field} in inclusion projection`);
}

function addPath(tree: FieldTree, path: string[]): void {
  let level = tree;
  for (const [i, part] of path.entries()) {
    const present = level.get(part);
    if (i === path.length - 1) {
      if (present) throw new MongoServerFault(31250, `Path collision at ${path.join('.')}`);
      level.set(part, true);
    } else if (present === true) {
      const rest = path.slice(i + 1).join('.');
      throw new MongoServerFault(31249, `Path collision at ${path.join('.')} remaining portion ${rest}`);
    } else {
      const next: FieldTree = present ?? new Map<string, FieldTree | true>();
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
    if (branch === true) setField(result, name, value);
    else if (branch && isContainer(value)) setField(result, name, includeWithin(value, branch));
  }
  return result;
}

/** Of an array the documents and arrays stay, cut down; a scalar has no such field and goes. */
function includeWithin(value: unknown, tree: FieldTree): unknown {
  if (!Array.isArray(value)) return include(value as Document, tree);
  return value.filter(isContainer).map((item) => includeWithin(item, tree));
}

function exclude(doc: Document, tree: FieldTree): Document {
  const result: Document = {};
  for (const name of Object.keys(doc)) {
    const branch = tree.get(name);
    if (branch === true) continue;
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
