import { accumulatorFor } from './accumulators.js';
import { MongoServerFault } from './errors.js';
import { type Expression, compileExpression } from './expression.js';
import { numericValue } from './numbers.js';
import { type Document, MISSING, isDocument, isNumber, setField, typeRank, valuesEqual } from './values.js';

type Stage = (docs: Document[]) => Document[];

interface Field {
  name: string;
  operand: Expression;
  accumulator: ReturnType<typeof accumulatorFor>;
}

/** `$group`; the groups come out in the order of their first documents, where MongoDB promises no order. */
export function compileGroup(spec: unknown): Stage {
  if (!isDocument(spec)) throw new MongoServerFault(15947, "a group's fields must be specified in an object");
  if (!Object.hasOwn(spec, '_id')) {
    throw new MongoServerFault(15955, 'a group specification must include an _id');
  }
  const idOf = compileExpression(spec._id);
  const fields = Object.keys(spec)
    .filter((name) => name !== '_id')
    .map((name) => compileField(name, spec[name]));
  return (docs) => gather(docs, idOf).map(({ id, members }) => summarise(id, members, fields));
}

function compileField(name: string, spec: unknown): Field {
  if (!isDocument(spec)) {
    throw new MongoServerFault(40234, `The field '${name}' must be an accumulator object`);
  }
  if (name.includes('.')) throw new MongoServerFault(40235, `The field name '${name}' cannot contain '.'`);
  if (name.startsWith('$')) {
    throw new MongoServerFault(40236, `The field name '${name}' cannot be an operator name`);
  }
  const [operator, ...others] = Object.keys(spec);
  if (operator === undefined || others.length > 0) {
    throw new MongoServerFault(40238, `The field '${name}' must specify one accumulator`);
  }
  return { name, accumulator: accumulatorFor(operator), operand: compileExpression(spec[operator]) };
}

interface Group {
  id: unknown;
  members: Document[];
}

function gather(docs: Document[], idOf: Expression): Group[] {
  const buckets = new Map<string, Group[]>();
  const groups: Group[] = [];
  for (const doc of docs) {
    const value = idOf(doc);
    const id = value === MISSING ? null : value;
    const bucketKey = bucketOf(id);
    const bucket = buckets.get(bucketKey) ?? [];
    let group = bucket.find((candidate) => valuesEqual(candidate.id, id));
    if (!group) {
      group = { id, members: [] };
      bucket.push(group);
      groups.push(group);
      buckets.set(bucketKey, bucket);
    }
    group.members.push(doc);
  }
  return groups;
}

/** Equal values share a bucket; different ones may, so the members of a bucket are still compared. */
function bucketOf(value: unknown): string {
  if (isNumber(value)) return `number ${Number(numericValue(value).toString())}`;
  if (Array.isArray(value)) return `array ${value.map(bucketOf).join()}`;
  if (isDocument(value))
    return `object ${Object.keys(value)
      .map((name) => name + bucketOf(value[name]))
      .join()}`;
  if (value instanceof Date) return `date ${value.getTime()}`;
  return `${typeRank(value)} ${String(value)}`;
}

function summarise(id: unknown, members: Document[], fields: Field[]): Document {
  const result: Document = { _id: id };
  for (const { name, accumulator, operand } of fields) {
    setField(result, name, accumulator(members.map(operand)));
  }
  return result;
}
