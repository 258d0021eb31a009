import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BSON, Long, MongoClient, type MongoClientOptions, ObjectId } from 'mongodb';
import { Topology } from '../src/engine/topology.js';
import { type EmbeddedMongo, startEmbeddedMongo } from '../src/index.js';
import { CompiledServer } from './support/child-server.js';
import { RawClient } from './support/raw-client.js';

type Document = BSON.Document;

const EXHAUST_ALLOWED = 1 << 16;
const MORE_TO_COME = 2;
/** Longer than any test may take: a test that waits this long fails. */
const FOR_EVER_MS = 600_000;

let database: EmbeddedMongo;
let client: RawClient;

beforeEach(async () => {
  database = await startEmbeddedMongo();
  client = await RawClient.connect(database.port);
});

afterEach(async () => {
  client.close();
  await database.close();
});

async function currentVersion(): Promise<Document> {
  const { topologyVersion } = await client.command('admin', { hello: 1 });
  return topologyVersion as Document;
}

const hello = (topologyVersion: unknown, maxAwaitTimeMS: unknown) => ({
  hello: 1,
  ...(topologyVersion === undefined ? {} : { topologyVersion }),
  ...(maxAwaitTimeMS === undefined ? {} : { maxAwaitTimeMS }),
});

describe('a hello', () => {
  it('names its process and state, in the types of MongoDB', async () => {
    const { processId, counter } = await currentVersion();
    expect(processId).toBeInstanceOf(ObjectId);
    expect(counter).toEqual(Long.fromNumber(6));
    const other = await startEmbeddedMongo();
    const elsewhere = await RawClient.connect(other.port);
    const reply = await elsewhere.command('admin', { hello: 1 });
    expect((reply.topologyVersion as Document).processId).not.toEqual(processId);
    elsewhere.close();
    await other.close();
  });

  it('from a client that knows the state is answered when its wait is over, and later commands after it', async () => {
    const begun = performance.now();
    client.sendCommand('admin', hello(await currentVersion(), 100));
    client.sendCommand('admin', { ping: 1 });
    const first = await client.reply();
    // A timer may be a millisecond early by this clock.
    expect(performance.now() - begun).toBeGreaterThan(98);
    expect(first).toMatchObject({ flags: 0, doc: { isWritablePrimary: true, ok: new BSON.Double(1) } });
    expect((await client.reply())?.doc).toEqual({ ok: new BSON.Double(1) });
  });

  it('from a client that knows another process, or an older state, is answered at once', async () => {
    const { processId, counter } = await currentVersion();
    const others = [
      { processId: new ObjectId(), counter },
      { processId: new ObjectId(), counter: Long.fromNumber(1000) },
      { processId, counter: Long.fromNumber(5) },
    ];
    for (const known of others) {
      const reply = await client.command('admin', hello(known, FOR_EVER_MS));
      expect(reply.topologyVersion).toEqual({ processId, counter });
    }
  });

  const id = new ObjectId();
  const six = Long.fromNumber(6);
  it.each<[string, unknown, unknown]>([
    ['a wait without a state', undefined, 10],
    ['a state without a time to wait', { processId: id, counter: six }, undefined],
    ['a state of null with a wait', null, 10],
    ['a negative counter', { processId: id, counter: Long.fromNumber(-1) }, 10],
    ['a negative time', { processId: id, counter: six }, -1],
    ['a wait that is not a number', { processId: id, counter: six }, '10'],
    ['a wait that is a boolean', { processId: id, counter: six }, true],
    ['a state that is not a document', 6, 10],
    ['a counter that is not a long', { processId: id, counter: 6 }, 10],
    ['a process that is not an ObjectId', { processId: 'x', counter: six }, 10],
    ['a state without a process', { counter: six }, 10],
    ['a state without a counter', { processId: id }, 10],
    ['a state with an additional field', { processId: id, counter: six, x: 1 }, 10],
    ['a wait that is not a whole number', { processId: id, counter: six }, new BSON.Double(0.5)],
  ])('with %s is refused', async (_, known, maxAwaitTimeMS) => {
    const reply = await client.command('admin', hello(known, maxAwaitTimeMS));
    expect(reply).toMatchObject({ ok: new BSON.Double(0), code: new BSON.Int32(238) });
  });

  it('with a counter that the server has not reached is refused', async () => {
    const { processId } = await currentVersion();
    const reply = await client.command('admin', hello({ processId, counter: Long.fromNumber(7) }, 10));
    expect(reply).toMatchObject({ code: new BSON.Int32(31382) });
  });

  it('accepts any whole number as a wait, however long', async () => {
    const version = await currentVersion();
    for (const ms of [new BSON.Double(1), Long.ZERO]) {
      expect((await client.command('admin', hello(version, ms))).ok).toEqual(new BSON.Double(1));
    }
    client.sendCommand('admin', hello(version, Number.MAX_SAFE_INTEGER));
    const other = await RawClient.connect(database.port);
    for (let i = 0; i < 20; i += 1) await other.command('admin', { ping: 1 });
    other.close();
    expect(client.hasReply).toBe(false);
  });

  it('stops waiting when the client disconnects', async () => {
    const topology = new Topology();
    const listening = new AbortController();
    const waiting = topology.awaitNewsFor(topology.version, FOR_EVER_MS, listening.signal);
    listening.abort();
    await waiting;
    await topology.awaitNewsFor(topology.version, FOR_EVER_MS, listening.signal);
  });
});

describe('a hello that allows several answers', () => {
  it('gets them, each referring to the previous one, with the state that was sent last', async () => {
    const { processId, counter } = await currentVersion();
    const begun = performance.now();
    client.sendCommand('admin', hello({ processId: new ObjectId(), counter }, 100), EXHAUST_ALLOWED);
    const first = await client.reply();
    expect(first).toMatchObject({ flags: MORE_TO_COME, responseTo: 1 });
    const second = await client.reply();
    // The first came at once; now the state is known.
    expect(performance.now() - begun).toBeGreaterThan(98);
    expect(second).toMatchObject({ flags: MORE_TO_COME, responseTo: first?.requestId });
    expect(second?.doc?.topologyVersion).toEqual({ processId, counter });
    expect((await client.reply())?.responseTo).toBe(second?.requestId);
  });

  it('without a state and a wait is refused, and the connection stays open', async () => {
    client.sendCommand('admin', { hello: 1 }, EXHAUST_ALLOWED);
    expect(await client.reply()).toMatchObject({ flags: 0, doc: { code: new BSON.Int32(238) } });
    client.sendCommand('admin', hello(undefined, 10), EXHAUST_ALLOWED);
    expect(await client.reply()).toMatchObject({ flags: 0, doc: { code: new BSON.Int32(238) } });
    expect(await client.command('admin', { ping: 1 })).toEqual({ ok: new BSON.Double(1) });
  });

  it('with a wait of 0 does not block other clients', async () => {
    client.sendCommand('admin', hello(await currentVersion(), 0), EXHAUST_ALLOWED);
    const other = await RawClient.connect(database.port);
    for (let i = 0; i < 20; i += 1) {
      expect(await other.command('admin', { ping: 1 })).toEqual({ ok: new BSON.Double(1) });
    }
    other.close();
    expect((await client.reply())?.flags).toBe(MORE_TO_COME);
  });

  it('ends with the server, at once', async () => {
    client.sendCommand('admin', hello(await currentVersion(), FOR_EVER_MS), EXHAUST_ALLOWED);
    await database.close();
    expect(await client.reply()).toBeUndefined();
  });
});

describe("a driver's monitor", () => {
  const drivers: MongoClient[] = [];

  function driver(options: MongoClientOptions): MongoClient {
    const made = new MongoClient(database.uri, { heartbeatFrequencyMS: 500, ...options });
    drivers.push(made);
    return made;
  }

  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((each) => each.close()));
  });

  it.each([
    ['stream', true],
    ['auto', true],
    ['poll', false],
  ] as const)(
    'in the mode %s receives a heartbeat again and again',
    async (serverMonitoringMode, awaited) => {
      const watched = driver({ serverMonitoringMode });
      const heard: { awaited: boolean; connectionId?: unknown }[] = [];
      let failed = 0;
      const enough = new Promise<void>((resolve) => {
        watched.on('serverHeartbeatFailed', () => (failed += 1));
        watched.on('serverHeartbeatSucceeded', ({ awaited, connectionId }) => {
          heard.push({ awaited, connectionId });
          if (heard.length === 4) resolve();
        });
      });
      await watched.connect();
      await enough;
      // The first answer belongs to the handshake; the others use the same connection.
      expect(heard.slice(1).map((each) => each.awaited)).toEqual([awaited, awaited, awaited]);
      expect(new Set(heard.map(({ connectionId }) => connectionId)).size).toBe(1);
      expect(failed).toBe(0);
      expect(await watched.db('x').command({ ping: 1 })).toEqual({ ok: 1 });
    },
  );

  it.each(['stream', 'auto', 'poll'] as const)(
    'in the mode %s finds a server again after it was away',
    async (serverMonitoringMode) => {
      const watched = driver({ serverMonitoringMode });
      const found = once(watched, 'serverHeartbeatSucceeded');
      await watched.connect();
      await found;
      await watched.db('x').collection('y').insertOne({ n: 1 });
      const { port } = database;
      const lost = untilType(watched, 'Unknown');
      await database.close();
      await lost;
      const back = untilType(watched, 'RSPrimary');
      database = await startEmbeddedMongo({ port });
      await back;
      await watched.db('x').collection('y').insertOne({ n: 2 });
      expect(await watched.db('x').collection('y').countDocuments()).toBe(1);
    },
  );

  it('that streams notices the end of a server at once, however rarely it polls', async () => {
    const watched = driver({ heartbeatFrequencyMS: FOR_EVER_MS });
    const streams = new Promise<void>((resolve) =>
      watched.on('serverHeartbeatStarted', ({ awaited }) => void (awaited && resolve())),
    );
    await watched.connect();
    await streams;
    const { port } = database;
    const lost = untilType(watched, 'Unknown');
    await database.close();
    await lost;
    database = await startEmbeddedMongo({ port });
    // A command makes the driver select a server.
    expect(await watched.db('x').command({ ping: 1 })).toEqual({ ok: 1 });
  });
});

/** Resolves with the next description of that type of the only server. */
function untilType(client: MongoClient, type: string): Promise<void> {
  return new Promise((resolve) => {
    client.on('serverDescriptionChanged', function listen({ newDescription }) {
      if (newDescription.type !== type) return;
      client.off('serverDescriptionChanged', listen);
      resolve();
    });
  });
}

describe('a server that is closed', () => {
  let compiled: CompiledServer;
  beforeAll(() => {
    compiled = CompiledServer.compile();
  });
  afterAll(() => compiled.remove());

  const streaming = `
    import { MongoClient } from 'mongodb';
    const server = await startEmbeddedMongo();
    const client = new MongoClient(server.uri, { heartbeatFrequencyMS: ${FOR_EVER_MS} });
    const streams = new Promise((resolve) => client.on('serverHeartbeatStarted', ({ awaited }) => awaited && resolve()));
    await client.connect();
    await streams;
  `;

  it.each([
    ['before the client that is connected to it', 'await server.close(); await client.close();'],
    ['after the client that is connected to it', 'await client.close(); await server.close();'],
  ])('%s keeps no process alive', async (_, end) => {
    expect(await compiled.run(streaming + end)).toBe(0);
  });

  it('while a hello waits keeps no process alive', async () => {
    const waiting = `
      import { once } from 'node:events';
      import { connect } from 'node:net';
      import { BSON } from 'mongodb';
      const server = await startEmbeddedMongo();
      const socket = connect(server.port, '127.0.0.1');
      const send = (command) => {
        const body = BSON.serialize({ ...command, $db: 'admin' });
        const header = Buffer.alloc(21);
        [21 + body.length, 1, 0, 2013, 0].forEach((word, i) => header.writeInt32LE(word, 4 * i));
        socket.write(Buffer.concat([header, body]));
      };
      send({ hello: 1 });
      const [answer] = await once(socket, 'data');
      const { topologyVersion } = BSON.deserialize(answer.subarray(21), { promoteLongs: false });
      send({ hello: 1, topologyVersion, maxAwaitTimeMS: ${FOR_EVER_MS} });
      send({ ping: 1 });
      await new Promise((resolve) => socket.write('', resolve));
      await server.close();
      socket.destroy();
    `;
    expect(await compiled.run(waiting)).toBe(0);
  });
});
