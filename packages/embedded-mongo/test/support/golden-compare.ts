import { BSON } from 'mongodb';

type Document = BSON.Document;

const NOT_IMPLEMENTED = 238;

/** Fields that say who answers and when, not what the answer is. */
// prettier-ignore
const IDENTITY = new Set([
  '$clusterTime', 'operationTime', 'opTime', 'electionId', 'lastWrite', 'localTime',
  'hosts', 'primary', 'me', 'connectionId', 'minWireVersion', 'maxWireVersion', 'you', 'errmsg',
  'version', 'gitVersion', 'versionArray', 'storageEngines', 'allocator', 'buildEnvironment', 'openssl',
  'uuid', 'sizeOnDisk', 'totalSize', 'totalSizeMb', 'nIndexesWas',
]);

const text = (value: unknown) => BSON.EJSON.stringify(value, { relaxed: false });

/** A refusal anywhere in the answer, also if only one of several statements was refused. */
export function isRefusal(reply: Document): boolean {
  const errors = [reply, ...((reply.writeErrors as Document[] | undefined) ?? [])];
  return errors.some(({ code }) => Number(code) === NOT_IMPLEMENTED);
}

/** All parts of a reply that a client relies on, as text. */
export function comparable(reply: Document, leftOut: readonly string[] = []): string {
  const result: Document = {};
  for (const name of Object.keys(reply).sort()) {
    if (IDENTITY.has(name) || leftOut.includes(name)) continue;
    result[name] = comparableField(name, reply[name]);
  }
  const { errmsg } = reply as { errmsg?: string };
  // The wording of a message may differ, except for the one that some applications parse.
  if (errmsg?.includes('E11000')) result.errmsg = errmsg.slice(errmsg.indexOf('E11000'));
  if ('numIndexesBefore' in result) {
    result.numIndexesAfter = Number(result.numIndexesAfter) - Number(result.numIndexesBefore);
    delete result.numIndexesBefore;
  }
  return text(result);
}

function comparableField(name: string, value: unknown): unknown {
  switch (name) {
    case 'writeErrors':
      return (value as Document[]).map((error) => JSON.parse(comparable(error)) as unknown);
    case 'cursor':
      return comparableCursor(value as Document);
    case 'upserted':
      return (value as Document[]).map(({ index, _id }) => ({ index, _id: withoutGenerated(_id) }));
    case 'lastErrorObject':
      return { ...(value as Document), upserted: withoutGenerated((value as Document).upserted) };
    case 'cursorsKilled':
    case 'cursorsNotFound':
      // Long ids belong to cursors, and differ; a short one was made up.
      return (value as BSON.Long[]).map((id) => (id.greaterThan(10 ** 10) ? 'a cursor' : id));
    case 'databases':
      return (value as Document[]).map(({ name, empty }) => ({ name, empty }));
    case 'id':
      return 'a session';
    case 'topologyVersion':
      return 'of a process';
    default:
      return value;
  }
}

function withoutGenerated(id: unknown): unknown {
  return id instanceof BSON.ObjectId ? 'generated' : id;
}

function comparableCursor({ id, ns, firstBatch, nextBatch }: Document): Document {
  const docs = (firstBatch ?? nextBatch) as Document[];
  const open = (id as BSON.Long).toString() !== '0';
  return { ns, open, first: firstBatch !== undefined, docs: docs.map(withoutUuid) };
}

function withoutUuid(doc: Document): Document {
  const info = doc.info as Document | undefined;
  return info?.uuid ? { ...doc, info: { ...info, uuid: 'of a collection' } } : doc;
}
