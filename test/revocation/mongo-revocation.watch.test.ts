import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { mongo } from 'mongoose';
import { TimeoutError } from '../../src/core/with-timeout.js';
import { MongoRevocationWatch } from '../../src/revocation/mongo-revocation.watch.js';
import type { Revocation } from '../../src/revocation/revocation.schema.js';

const SILENCE_MS = 5_000;
const OPEN_WITHIN_MS = 5_000;
const expiresAt = new Date(1_767_225_600_000);
const fullDocument = { _id: 'sid:s1', at: new Date(0), expiresAt };
const INSERT = { operationType: 'insert', fullDocument };

/** A change stream whose answers the test decides. */
class FakeStream extends EventEmitter {
  asked = 0;
  closed = false;
  answer: (change: object | null) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;

  tryNext(): Promise<object | null> {
    this.asked += 1;
    this.emit('asked');
    return new Promise((resolve, reject) => Object.assign(this, { answer: resolve, fail: reject }));
  }

  async close(): Promise<void> {
    this.closed = true;
    this.answer(null);
  }
}

let stream: FakeStream;
/** What the server was asked to report. */
let pipeline: unknown;
let heard: unknown[];
let lost: unknown[];
/** Runs when entries are reported. */
let whenHeard: () => void;

beforeEach(() => {
  jest.useFakeTimers();
  stream = new FakeStream();
  [heard, lost] = [[], []];
  whenHeard = () => undefined;
});
afterEach(() => {
  const left = jest.getTimerCount();
  jest.useRealTimers();
  expect(left).toBe(0);
});

const openStream = (stages: unknown) => {
  pipeline = stages;
  return stream;
};
const begin = (mayHold = true) =>
  MongoRevocationWatch.open(
    { watch: openStream } as unknown as mongo.Collection<Revocation>,
    {
      entriesAdded: (entries) => {
        heard.push(entries);
        whenHeard();
      },
      watchLost: (reason) => lost.push(reason),
    },
    mayHold,
  );

async function open(mayHold = true): Promise<MongoRevocationWatch> {
  const opening = begin(mayHold);
  stream.emit('resumeTokenChanged');
  return opening;
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

async function answer(change: object | null): Promise<void> {
  stream.answer(change);
  await pass(0);
}

describe(MongoRevocationWatch.name, () => {
  it('is open once the server has named the place where it begins, before any change', async () => {
    const watch = await open();
    expect([watch.description, stream.asked]).toEqual(['change stream', 1]);
    await watch.close();
    expect([heard, lost]).toEqual([[], []]);
  });

  it('asks for every kind of write, and not for removals, most of which come from the TTL index', async () => {
    await (await open()).close();
    const operationType = { $in: ['insert', 'update', 'replace'] };
    expect(pipeline).toEqual([{ $match: { operationType } }]);
  });

  it('is open once the server has answered', async () => {
    const opening = begin();
    await answer(INSERT);
    await (await opening).close();
    expect(heard).toEqual([[{ key: 'sid:s1', expiresAt }]]);
  });

  it('does not open if the server does not answer within five seconds, and closes the stream', async () => {
    const opening = begin();
    const outcome = expect(opening).rejects.toBeInstanceOf(TimeoutError);
    await pass(OPEN_WITHIN_MS - 1);
    expect(stream.closed).toBe(false);
    await pass(1);
    await outcome;
    expect([stream.closed, lost]).toEqual([true, []]);
  });

  it('does not open if the server refuses, and closes the stream', async () => {
    const refusal = new Error('not authorized');
    const outcome = expect(begin()).rejects.toBe(refusal);
    stream.fail(refusal);
    await outcome;
    expect(stream.closed).toBe(true);
  });

  it.each([
    ['an inserted entry', INSERT, [{ key: 'sid:s1', expiresAt }]],
    ['a replaced entry', { operationType: 'replace', fullDocument }, [{ key: 'sid:s1', expiresAt }]],
    [
      'a later expiry',
      {
        operationType: 'update',
        documentKey: { _id: 'sid:s1' },
        updateDescription: { updatedFields: { expiresAt } },
      },
      [{ key: 'sid:s1', expiresAt }],
    ],
    [
      'a repeated entry, whose expiry stays',
      {
        operationType: 'update',
        documentKey: { _id: 'sid:s1' },
        updateDescription: { updatedFields: { at: new Date(1) } },
      },
      [],
    ],
    [
      'an update that only removes fields',
      { operationType: 'update', documentKey: { _id: 'sid:s1' }, updateDescription: {} },
      [],
    ],
    ['a damaged entry', { ...INSERT, fullDocument: { ...fullDocument, _id: 7 } }, []],
    ['any other change', { operationType: 'drop', fullDocument }, []],
  ])('%s: reports its key and expiry, or nothing', async (_, change, entries) => {
    const watch = await open();
    await answer(change);
    expect(heard).toEqual([entries]);
    expect(stream.asked).toBe(2);
    await watch.close();
  });

  it('is lost after five seconds without an answer, says so once, and asks no more', async () => {
    await open();
    await pass(SILENCE_MS - 1);
    await answer(null);
    await pass(SILENCE_MS - 1);
    expect([lost, stream.asked]).toEqual([[], 2]);
    await pass(1);
    expect(lost).toEqual([new Error('silent for 5000 ms')]);
    await answer(INSERT);
    expect([heard, lost.length, stream.asked]).toEqual([[], 1, 2]);
  });

  it('says once that it is lost, even if the stream fails afterwards', async () => {
    await open();
    await pass(SILENCE_MS);
    stream.fail(new Error('connection closed'));
    await pass(0);
    expect(lost).toEqual([new Error('silent for 5000 ms')]);
  });

  it('is lost with its stream', async () => {
    await open();
    const failure = new Error('the history is lost');
    stream.fail(failure);
    await pass(0);
    expect([lost, stream.asked]).toEqual([[failure], 1]);
  });

  it('is lost if the server ends the stream', async () => {
    await open();
    stream.closed = true;
    await answer(null);
    expect([lost, stream.asked]).toEqual([[new Error('the server ended the stream')], 1]);
  });

  it('reports nothing after it is closed', async () => {
    const watch = await open();
    const { answer: late } = stream;
    jest.spyOn(stream, 'close').mockImplementation(async () => late(INSERT));
    await watch.close();
    expect([heard, lost, stream.asked]).toEqual([[], [], 1]);
  });

  it('asks no more if it is closed by what it reports', async () => {
    const watch = await open();
    let closed: Promise<void> | undefined;
    whenHeard = () => {
      closed = watch.close();
    };
    await answer(INSERT);
    await closed;
    expect([heard.length, lost, stream.asked]).toEqual([1, [], 1]);
  });

  it('asks again at once if the server holds its answers, and after a pause if not', async () => {
    const holding = await open(true);
    await answer(null);
    expect(stream.asked).toBe(2);
    await holding.close();

    stream = new FakeStream();
    const polling = await open(false);
    const askedAgain = new Promise((resolve) => stream.once('asked', resolve));
    await answer(null);
    await turn();
    expect(stream.asked).toBe(1);
    await askedAgain;
    expect(stream.asked).toBe(2);
    await polling.close();
  });

  it('asks no more if it is closed during that pause', async () => {
    const watch = await open(false);
    await answer(null);
    await watch.close();
    expect([stream.asked, lost]).toEqual([1, []]);
  });
});
