import { MongoServerFault, notImplemented } from './errors.js';
import { parseFieldPath } from './field-path.js';
import { compareNumbers } from './numbers.js';
import { type Slice, failureAsExpression, parseSlice, sliceAt } from './projection-slice.js';
import { type Document, isDocument, isNumber, setField } from './values.js';

export type Projection = (doc: Document) => Document;

/** A whole field, or a part of the array it holds, which goes with inclusion and exclusion alike. */
type Leaf = 'whole' | Slice;
/** The named fields as a tree: a leaf for a field, a branch for fields within it. */
type FieldTree = Map<string, FieldTree | Leaf>;

interface Parsed {
  /** Unknown as long as only `_id` has been named, or slices, which go with either. */
  keeps: boolean | undefined;
  id: boolean | undefined;
  tree: FieldTree;
  slices: { path: string[]; slice: Slice }[];
  mayFindSlices: boolean;
  /** What MongoDB finds only after it has read all of the projection. */
  failure?: MongoServerFault;
}

/** Inclusion or exclusion of fields, as in find and `$project`; computed fields are refused. */
export function compileProjection(spec: Document): Projection {
  return compile(spec, false);
}

/** The same with `$slice` as find has it, by which a document is shown with a part of an array. */
export function compileFindProjection(spec: Document): Projection {
  return compile(spec, true);
}

function compile(spec: Document, mayFindSlices: boolean): Projection {
  if (Object.keys(spec).length === 0) return (doc) => doc;
  const parsed: Parsed = { keeps: undefined, id: undefined, tree: new Map(), slices: [], mayFindSlices };
  parseLevel(spec, [], parsed);
  const { slices, failure } = parsed;
  if (failure) throw failure;
  const select = compileSelection(parsed);
  if (slices.length === 0) return select;
  return (doc) => slices.reduce((shown, { path, slice }) => sliceAt(shown, path, slice), select(doc));
}

function compileSelection(parsed: Parsed): Projection {
  const { id, tree, slices } = parsed;
  // Slices alone leave nothing else out, unless `_id` is named as what to keep.
  const keeps = parsed.keeps ?? id ?? slices.length === 0;
  if (keeps) {
    if (id !== false) tree.set('_id', 'whole');
    return (doc) => include(doc, tree);
  }
  if (id === true) throw notImplemented('Including _id in an exclusion');
  if (id === false) tree.set('_id', 'whole');
  return (doc) => exclude(doc, tree);
}

function parseLevel(spec: Document, prefix: string[], parsed: Parsed): void {
  for (const name of Object.keys(spec)) {
    if (prefix.length > 0 && name.includes('.')) throw notImplemented('A dotted path in a sub-projection');
    const path = [...prefix, ...parseFieldPath(name)];
    const value: unknown = spec[name];
    if (parsed.mayFindSlices && isSliceOperator(value)) {
      parseSliceField(path, value.$slice, parsed);
    } else if (isDocument(value)) {
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

function isSliceOperator(value: unknown): value is { $slice: unknown } {
  return isDocument(value) && Object.keys(value).join() === '$slice';
}

/** What find does not take is judged as the aggregation operator of that name, which only keeps fields. */
function parseSliceField(path: string[], argument: unknown, parsed: Parsed): void {
  if (path[0] === '_id') throw notImplemented('Projecting a part of _id');
  try {
    const slice = parseSlice(argument);
    addPath(parsed.tree, path, slice);
    parsed.slices.push({ path, slice });
  } catch (error) {
    if (!(error instanceof MongoServerFault) || error.code === 238) throw error;
    if (parsed.keeps === false) {
      throw new MongoServerFault(31252, 'Cannot use expression other than $meta in exclusion projection');
    }
    parsed.failure ??= failureAsExpression(argument, error);
    parsed.keeps = true;
    addPath(parsed.tree, path, 'whole');
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
  addPath(parsed.tree, path, 'whole');
  if (parsed.keeps !== undefined && parsed.keeps !== included) throw mixed(path, included);
  parsed.keeps = included;
}

function mixed(path: string[], included: boolean): MongoServerFault {
  const field = path.join('.');
  return included
    ? new MongoServerFault(31253, `Cannot do inclusion on field ${field} in exclusion projection`)
    : new MongoServerFault(31254, `Cannot do exclusion on field ${field} in inclusion projection`);
}

function addPath(tree: FieldTree, path: string[], leaf: Leaf): void {
  let level = tree;
  for (const [i, part] of path.entries()) {
    const present = level.get(part);
    if (i === path.length - 1) {
      if (present) throw new MongoServerFault(31250, `Path collision at ${path.join('.')}`);
      level.set(part, leaf);
    } else if (present !== undefined && !(present instanceof Map)) {
      const rest = path.slice(i + 1).join('.');
      throw new MongoServerFault(31249, `Path collision at ${path.join('.')} remaining portion ${rest}`);
    } else {
      const next: FieldTree = present ?? new Map<string, FieldTree | Leaf>();
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
    if (!(branch instanceof Map)) {
      if (branch) setField(result, name, value);
    } else if (isContainer(value)) setField(result, name, includeWithin(value, branch));
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
    if (branch === 'whole') continue;
    setField(result, name, branch instanceof Map ? excludeWithin(doc[name], branch) : doc[name]);
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
