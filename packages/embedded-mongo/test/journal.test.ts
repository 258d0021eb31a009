import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Binary, BSON, Long, MongoClient, ObjectId } from 'mongodb';
import { eventually } from '../../../test/support/eventually.js';
import { type EmbeddedMongo, startEmbeddedMongo } from '../src/index.js';
import { CompiledServer, kill } from './support/child-server.js';
import { RawClient } from './support/raw-client.js';

let journalDir: string;
const path = () => join(journalDir, 'journal.bson');

beforeEach(() => {
  journalDir = mkdtempSync(join(tmpdir(), 'journal-'));
});

afterEach(() => rmSync(journalDir, { recursive: true, force: true }));

async function withServer<T>(use: (client: MongoClient, server: EmbeddedMongo) => Promise<T>): Promise<T> {
  const server = await startEmbeddedMongo({ journalDir });
  const client = await MongoClient.connect(server.uri);
  try {
    return await use(client, server);
  } finally {
    await client.close();
    await server.close();
  }
}

describe('a journal', () => {
  it('restores documents, their types, indexes and dropped collections', async () => {
    const original = {
      _id: new ObjectId(),
      bytes: new Binary(Buffer.from([1, 2])),
      at: new Date(5),
      n: Long.MAX_VALUE,
    };
    await withServer(async (client) => {
      const kept = client.db('j').collection('kept');
      await kept.createIndex(
        { email: 1 },
        { unique: true, partialFilterExpression: { email: { $exists: true } } },
      );
      await kept.createIndex({ at: 1 }, { expireAfterSeconds: 3_000_000_000 - 2 ** 31 });
      await kept.insertMany([original, { email: 'a@x.io' }, { email: 'b@x.io' }]);
      await kept.updateOne({ email: 'a@x.io' }, { $set: { 'deep.er': 1 } });
      await kept.deleteOne({ email: 'b@x.io' });
      await client.db('j').collection('gone').insertOne({ n: 1 });
      await client.db('j').collection('gone').drop();
    });
    await withServer(async (client) => {
      const kept = client.db('j').collection('kept');
      expect(await kept.findOne({ _id: original._id }, { promoteLongs: false })).toEqual(original);
      expect(await kept.findOne({ email: 'a@x.io' })).toMatchObject({ deep: { er: 1 } });
      expect(await kept.countDocuments()).toBe(2);
      await expect(kept.insertOne({ email: 'a@x.io' })).rejects.toMatchObject({ code: 11000 });
      expect((await kept.indexes()).length).toBe(3);
      expect(await client.db('j').listCollections({}, { nameOnly: true }).toArray()).toHaveLength(1);
    });
  });

  it('answers a repeated write as before the restart', async () => {
    const command = {
      findAndModify: 'c',
      query: { _id: 1 },
      update: { $inc: { n: 1 } },
      upsert: true,
      new: true,
      lsid: { id: new BSON.UUID() },
      txnNumber: Long.fromNumber(1),
    };
    const once = () =>
      withServer(async (_, { port }) => {
        const raw = await RawClient.connect(port);
        const reply = await raw.command('j', command);
        raw.close();
        return Number((reply.value as BSON.Document).n);
      });
    expect([await once(), await once(), await once()]).toEqual([1, 1, 1]);
  });

  it('drops obsolete records', async () => {
    await withServer(async (client) => {
      const busy = client.db('j').collection<{ _id: number }>('busy');
      for (let i = 0; i < 200; i += 1) await busy.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { upsert: true });
    });
    const before = statSync(path()).size;
    await withServer(async (client) => {
      expect(await client.db('j').collection('busy').findOne()).toEqual({ _id: 1, n: 200 });
    });
    expect(statSync(path()).size).toBeLessThan(before / 10);
  });

  it.each([
    ['half a record', (bytes: Buffer) => truncateSync(path(), bytes.length - 3)],
    ['half a length', (bytes: Buffer) => appendFileSync(path(), bytes.subarray(0, 5))],
    ['a length without its record', (bytes: Buffer) => appendFileSync(path(), bytes.subarray(0, 9))],
  ])('that ends in %s loses only that', async (_, damage) => {
    await withServer(async (client) => {
      const numbers = client.db('j').collection<{ _id: number }>('numbers');
      for (let i = 0; i < 3; i += 1) await numbers.insertOne({ _id: i });
    });
    damage(readFileSync(path()));
    await withServer(async (client) => {
      const ids = await client
        .db('j')
        .collection<{ _id: number }>('numbers')
        .find({}, { sort: { _id: 1 } })
        .toArray();
      expect(ids.slice(0, 2)).toEqual([{ _id: 0 }, { _id: 1 }]);
      expect(await client.db('j').collection<{ _id: number }>('numbers').insertOne({ _id: 9 })).toBeTruthy();
    });
    await withServer(async (client) => {
      expect(
        await client
          .db('j')
          .collection('numbers')
          .findOne({}, { sort: { _id: -1 } }),
      ).toEqual({ _id: 9 });
    });
  });

  it('that is damaged in the middle is not silently truncated there', async () => {
    await withServer(async (client) => {
      const numbers = client.db('j').collection<{ _id: number }>('numbers');
      for (let i = 0; i < 3; i += 1) await numbers.insertOne({ _id: i });
    });
    const bytes = readFileSync(path());
    bytes.writeUInt8(bytes.readUInt8(20) ^ 0xff, 20);
    writeFileSync(path(), bytes);
    await expect(startEmbeddedMongo({ journalDir })).rejects.toThrow(/damaged at byte/);
    expect(readFileSync(path()).equals(bytes)).toBe(true);
  });

  it('belongs to one server at a time', async () => {
    await withServer(async () => {
      await expect(startEmbeddedMongo({ journalDir })).rejects.toThrow(/in use by process/);
    });
    await withServer(async (client) => expect(await client.db('j').command({ ping: 1 })).toEqual({ ok: 1 }));
  });
});

describe('a server killed with SIGKILL', () => {
  let compiled: CompiledServer;

  beforeAll(() => {
    compiled = CompiledServer.compile();
  });

  afterAll(() => compiled.remove());

  it('has lost no write that it acknowledged, and its lock is taken over', async () => {
    let acknowledged = -1;
    for (let round = 0; round < 3; round += 1) {
      const { process: child, port } = await compiled.start(journalDir);
      const client = await MongoClient.connect(`mongodb://127.0.0.1:${port}/?replicaSet=rs0`, {
        serverSelectionTimeoutMS: 5_000,
      });
      const writes = client.db('j').collection<{ _id: number }>('writes');
      expect(await writes.countDocuments({ _id: { $lte: acknowledged } })).toBe(acknowledged + 1);
      const first = await writes.countDocuments();
      const writing = (async () => {
        for (let i = first; ; i += 1) {
          await writes.insertOne({ _id: i });
          acknowledged = i;
        }
      })();
      const stopped = writing.catch(() => undefined);
      const written = await eventually(
        async () => acknowledged,
        (last) => last >= first + 50,
      );
      expect(written).toBeGreaterThanOrEqual(first + 50);
      await kill(child);
      // Ends the write that waits for a server.
      await client.close();
      await stopped;
    }
    await withServer(async (client) => {
      const writes = client.db('j').collection<{ _id: number }>('writes');
      expect(await writes.countDocuments({ _id: { $lte: acknowledged } })).toBe(acknowledged + 1);
    });
  });

  it('keeps a second process away from its journal while it lives', async () => {
    const { process: child } = await compiled.start(journalDir);
    await expect(compiled.start(journalDir)).rejects.toThrow(/in use by process/);
    await kill(child);
  });
});
