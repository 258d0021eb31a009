import { readFileSync } from 'node:fs';
import { BSON } from 'mongodb';
import { startEmbeddedMongo } from '../../src/index.js';
import { comparable, isRefusal } from './golden-compare.js';
import { beforeStep, SEEDS, stepSeed } from './golden-seeds.js';
import { RawClient, type RawReply } from './raw-client.js';

type Document = BSON.Document;

/**
 * `dependent`: a different answer on a collection that an earlier, refused step should have changed;
 * `environment`: a step about the recorded machine rather than the language.
 */
type Verdict = 'answered' | 'refused' | 'dependent' | 'environment' | 'wrong';

export type Share = Record<Verdict, number>;

export interface Replay {
  share: Share;
  wrong: string[];
}

function readSteps(file: string, version = ''): Document[] {
  const url = new URL(`../fixtures/mongo-golden/${version}${file}.json`, import.meta.url);
  const { steps } = JSON.parse(readFileSync(url, 'utf8')) as { steps: Document[] };
  return steps.flatMap((step) => {
    try {
      return [BSON.EJSON.deserialize(step, { relaxed: false }) as Document];
    } catch {
      // Faulty regular expressions cannot be represented here; all of them are refused anyway.
      return [];
    }
  });
}

const ENVIRONMENT: Record<string, string> = {
  'listDatabases nameOnly': 'a new mongod has the databases admin, config and local',
};

const MORE_TO_COME = 2;

const READS = new Set([
  'find',
  'aggregate',
  'count',
  'distinct',
  'listIndexes',
  'listCollections',
  'getMore',
  'explain',
]);

/** Sends all steps of one file to a fresh server. */
export async function replay(file: string): Promise<Replay> {
  const database = await startEmbeddedMongo({ ttlMonitorIntervalMs: 3_600_000 });
  const client = await RawClient.connect(database.port);
  try {
    return await new Session(file, client).run();
  } finally {
    client.close();
    await database.close();
  }
}

/** The steps of the wire file are bytes, each on a connection of its own. */
export async function replayMessages(): Promise<Replay> {
  const database = await startEmbeddedMongo();
  const result: Replay = {
    share: { answered: 0, refused: 0, dependent: 0, environment: 0, wrong: 0 },
    wrong: [],
  };
  for (const step of readSteps('wire')) {
    const client = await RawClient.connect(database.port);
    for (const hex of step.sentHex as string[]) client.send(Buffer.from(hex, 'hex'));
    const replies = await repliesOf(client, step);
    client.close();
    const wanted = messageText(
      (step.replies as Document[]).map(recordedReply),
      step.connectionClosedByServer,
    );
    const given = messageText(replies, client.closedByServer);
    const otherwise: Verdict = replies.some(({ doc }) => doc && isRefusal(doc)) ? 'refused' : 'wrong';
    const verdict = given === wanted ? 'answered' : otherwise;
    result.share[verdict] += 1;
    if (verdict === 'wrong') result.wrong.push(`wire: ${step.name}\n  wants ${wanted}\n  gave  ${given}`);
  }
  await database.close();
  return result;
}

/**
 * Reads as many replies as were recorded, and one to a ping after them, to see that no other was sent or the stream
 * has ended.
 */
async function repliesOf(client: RawClient, step: Document): Promise<RawReply[]> {
  const replies: RawReply[] = [];
  for (let i = 0; i < (step.replies as Document[]).length; i += 1) {
    const reply = await client.reply();
    if (!reply) return replies;
    replies.push(reply);
    // If several replies to one message were recorded, a refusal is the only reply.
    if (reply.doc && isRefusal(reply.doc)) break;
  }
  await client.command('admin', { ping: 1 }).catch(() => undefined);
  return replies;
}

type ShownReply = Omit<RawReply, 'requestId'> & { requestId?: number };

/** The recordings lack the ids of the server's own messages. */
function recordedReply({ opCode, responseTo, flagBits, responseFlags, doc }: Document): ShownReply {
  const flags = Number(flagBits ?? responseFlags);
  return { opCode: Number(opCode), responseTo: Number(responseTo), flags, doc: doc as Document | null };
}

function messageText(replies: ShownReply[], closed: unknown): string {
  const shown = replies.map(({ opCode, responseTo, flags, doc }, i) => {
    const before = replies[i - 1];
    // In a series each answer refers to the previous one, whatever its id was.
    const follows = before !== undefined && (before.flags & MORE_TO_COME) !== 0;
    const isChained = follows && (before.requestId === undefined || before.requestId === responseTo);
    return {
      opCode,
      responseTo: isChained ? 'the answer before' : responseTo,
      flags,
      doc: doc ? (JSON.parse(comparable(doc)) as unknown) : null,
    };
  });
  return JSON.stringify({ closed, shown });
}

class Session {
  private readonly share = { answered: 0, refused: 0, dependent: 0, environment: 0, wrong: 0 };
  private readonly wrong: string[] = [];
  private readonly tainted = new Set<string>();
  private readonly refusedIndexes = new Set<string>();
  private cursor: BSON.Long | undefined;
  private lastCollection = '';
  private isUnreadable = false;
  private dependsOnTheClock = false;

  constructor(
    private readonly file: string,
    private readonly client: RawClient,
  ) {}

  async run(): Promise<Replay> {
    for (const [name, docs] of Object.entries(SEEDS[this.file] ?? {})) await this.seed(name, docs);
    const newer = new Map(numbered(readSteps(this.file, '5.0.7/')));
    for (const [key, step] of numbered(readSteps(this.file))) await this.step(step, newer.get(key));
    return { share: this.share, wrong: this.wrong };
  }

  private async seed(name: string, docs: Document[]): Promise<void> {
    await this.client.command('gold', { delete: name, deletes: [{ q: {}, limit: 0 }] });
    if (docs.length === 0) await this.client.command('gold', { create: name });
    else await this.client.command('gold', { insert: name, documents: docs });
    this.tainted.delete(`gold.${name}`);
  }

  private async step(step: Document, newer: Document | undefined): Promise<void> {
    if (step.section !== undefined) return;
    if (step.observation !== undefined) return this.observation(step, newer);
    const seed = stepSeed(this.file, step);
    this.isUnreadable = seed !== undefined && seed[1] === undefined;
    if (this.isUnreadable) return;
    if (seed?.[1]) await this.seed(seed[0], seed[1]);
    for (const command of beforeStep(this.file, step)) await this.client.command('gold', command);
    const command = this.prepared(step.command as Document);
    this.dependsOnTheClock = BSON.EJSON.stringify(command).includes('$currentDate');
    const collection = `${step.db}.${String(Object.values(command)[0])}`;
    this.lastCollection = String(Object.values(command)[0]);
    const sequences = (step.documentSequence ?? {}) as Record<string, Document[]>;
    const reply = await this.client.command(step.db as string, command, sequences);
    const opened = (reply.cursor as Document | undefined)?.id as BSON.Long | undefined;
    if (opened && !opened.isZero()) this.cursor = opened;
    const leftOut = (step.alsoInReply as string[] | undefined) ?? [];
    const verdict = this.verdict(step, reply, collection, leftOut, newer);
    this.share[verdict] += 1;
    if (verdict === 'refused') this.taint(command, collection);
    if (verdict === 'wrong')
      this.report(step, comparable(step.reply as Document, leftOut), comparable(reply, leftOut));
  }

  private verdict(
    step: Document,
    reply: Document,
    collection: string,
    leftOut: string[],
    newer?: Document,
  ): Verdict {
    if (isRefusal(reply)) return 'refused';
    const given = comparable(reply, leftOut);
    const wanted = [step.reply, newer?.reply].filter(Boolean).map((answer) => {
      return comparable(this.withoutRefusedIndexes(answer as Document), leftOut);
    });
    if (wanted.includes(given)) return 'answered';
    if (ENVIRONMENT[String(step.name)]) return 'environment';
    return this.tainted.has(collection) || this.tainted.has(`${step.db}.*`) ? 'dependent' : 'wrong';
  }

  /** What a step left behind, or a summary of a cursor whose command stands in its name. */
  private async observation(step: Document, newer: Document | undefined): Promise<void> {
    const [, command] = String(step.name).split(' > ');
    if (command !== undefined) return this.observedCursor(step, JSON.parse(command) as Document);
    if (step.name === 'getMore without batchSize returns the rest') {
      return this.observedCursor(step, { getMore: this.cursor, collection: 'cu' });
    }
    if (
      step.name !== 'after' ||
      this.isUnreadable ||
      this.dependsOnTheClock ||
      this.tainted.has(`gold.${this.lastCollection}`)
    )
      return;
    const reply = await this.client.command('gold', { find: this.lastCollection, sort: { _id: 1 } });
    const text = (value: unknown) => BSON.EJSON.stringify(value, { relaxed: false });
    const found = text((reply.cursor as Document).firstBatch);
    const matches = [step, newer].some((each) => each && text(each.observation) === found);
    this.share[matches ? 'answered' : 'wrong'] += 1;
    if (!matches) this.report(step, text(step.observation), found);
  }

  private async observedCursor(step: Document, command: Document): Promise<void> {
    if (String(step.name).startsWith('deleted while')) {
      await this.seed(
        'cu',
        Array.from({ length: 5 }, (_, i) => ({ _id: i, a: i })),
      );
    } else if (String(step.name).startsWith('cursor whose')) {
      await this.seed(
        'cu',
        Array.from({ length: 250 }, (_, i) => ({ _id: i })),
      );
    }
    const { cursor } = (await this.client.command('gold', command)) as { cursor: Document };
    const id = cursor.id as BSON.Long;
    if (!id.isZero()) this.cursor = id;
    const which = cursor.firstBatch ? 'firstBatch' : 'nextBatch';
    const n = new BSON.Int32((cursor[which] as Document[]).length);
    const given = BSON.EJSON.stringify({ idIsZero: id.isZero(), ns: cursor.ns, n, which });
    const wanted = BSON.EJSON.stringify(step.observation);
    this.share[given === wanted ? 'answered' : 'wrong'] += 1;
    if (given !== wanted) this.report(step, wanted, given);
  }

  /** Recorded cursor ids stand for the cursor opened last; values too long to record are generated again. */
  private prepared(command: Document): Document {
    return mapValues(command, (value) => {
      if (
        value instanceof BSON.Long &&
        value.greaterThan(10 ** 15) &&
        this.cursor &&
        this.file === 'cursors'
      ) {
        return this.cursor;
      }
      return expanded(value);
    });
  }

  private taint(command: Document, collection: string): void {
    const [name = '', target] = Object.entries(command)[0] ?? [];
    if (READS.has(name) || typeof target !== 'string') return;
    this.tainted.add(collection);
    for (const { name } of (command.indexes ?? []) as Document[]) this.refusedIndexes.add(name as string);
    if (name === 'create') this.tainted.add(`gold.1`);
  }

  private withoutRefusedIndexes(reply: Document): Document {
    const batch = (reply.cursor as Document | undefined)?.firstBatch as Document[] | undefined;
    if (!batch?.some(({ name }) => this.refusedIndexes.has(name as string))) return reply;
    const firstBatch = batch.filter(({ name }) => !this.refusedIndexes.has(name as string));
    return { ...reply, cursor: { ...(reply.cursor as Document), firstBatch } };
  }

  private report(step: Document, wanted: string, given: string): void {
    const sent = BSON.EJSON.stringify(step.command ?? {}).slice(0, 300);
    this.wrong.push(`${this.file}: ${step.name}\n  sent  ${sent}\n  wants ${wanted}\n  gave  ${given}`);
  }
}

function numbered(steps: Document[]): [string, Document][] {
  const seen = new Map<string, number>();
  let last = '';
  return steps.map((step) => {
    if (step.name !== 'after') last = String(step.name);
    const name = step.name === 'after' ? `after ${last}` : last;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return [`${name}#${count}`, step];
  });
}

function mapValues(value: unknown, change: (value: unknown) => unknown): Document {
  const changed = change(value);
  if (Array.isArray(changed)) return changed.map((item: unknown) => mapValues(item, change));
  if (
    changed === null ||
    typeof changed !== 'object' ||
    Object.getPrototypeOf(changed) !== Object.prototype
  ) {
    return changed as Document;
  }
  return Object.fromEntries(Object.entries(changed).map(([name, item]) => [name, mapValues(item, change)]));
}

function expanded(value: unknown): unknown {
  if (typeof value === 'string') {
    const [, character, count] = /^(.)\1+\.\.\.<(\d+) characters in all>$/.exec(value) ?? [];
    return character === undefined ? value : character.repeat(Number(count));
  }
  if (Array.isArray(value)) {
    const many = /^<(\d+) elements, the first is>$/.exec(String(value[0]));
    return many ? Array.from({ length: Number(many[1]) }, () => value[1] as unknown) : value;
  }
  return value;
}
