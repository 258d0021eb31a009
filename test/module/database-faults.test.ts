import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthModule } from '../../src/index.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { expectError, newSession, refreshed, type Session } from '../support/http.js';

const CLIENTS = 12;
const CUTS = 12;

describe.each(ADAPTERS)('a database whose connections end, on %s', (adapter) => {
  let line: DatabaseProxy;
  let host: HostApp;

  beforeAll(async () => {
    line = await DatabaseProxy.open('faults');
    host = await HostApp.startWith(adapter, { imports: [AuthModule.forRoot(authOptions())] }, line.uri);
  });
  afterAll(async () => {
    await host.stop();
    await line.close();
  });

  it('answers 503 with Retry-After and never 500, and every client continues', async () => {
    const statuses = new Map<number, number>();
    let isOver = false;
    const client = async (start: Session): Promise<Session> => {
      let session = start;
      while (!isOver) {
        const answer = await host.api().refresh(session.refreshToken);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status === 200) session = { ...session, ...answer.json };
        else expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
        if (answer.status === 503) expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      }
      return session;
    };
    const sessions: Session[] = [];
    while (sessions.length < CLIENTS) sessions.push(await newSession(host.api()));
    const clients = sessions.map(client);
    for (let cut = 0; cut < CUTS; cut += 1) {
      await served(host, 20);
      if (cut % 2 === 0) line.hangUp();
      else line.cut();
      line.restore();
    }
    isOver = true;
    for (const session of await Promise.all(clients)) await refreshed(host.api(), session);
    expect(statuses.get(200)).toBeGreaterThan(CLIENTS);
    expect([...statuses.keys()].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  });

  // The first case: the driver writes to a connection that has just ended, and passes on the socket's plain error.
  it.each([
    ['EPIPE', Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' })],
    ['a limit of requests', Object.assign(new Error('Request rate is large'), { code: 16500 })],
    ['a label', Object.assign(new Error('a test'), { code: 1, errorLabels: ['SystemOverloadedError'] })],
  ])('answers %s at a refresh with 503', async (_what, error) => {
    const session = await newSession(host.api());
    const restore = failing(host, error);
    const answer = await host.api().refresh(session.refreshToken);
    restore();
    expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
    expect(answer.headers['retry-after']).toBe('1');
    await refreshed(host.api(), session);
  });
});

/** Resolves when this many more commands were sent to the database. */
async function served(host: HostApp, count: number): Promise<void> {
  const until = host.commands.length + count;
  while (host.commands.length < until) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Lets every rotation fail with an error of the driver. */
function failing(host: HostApp, error: Error): () => void {
  const collection = host.connection.db?.collection('refresh_tokens');
  const prototype = Object.getPrototypeOf(collection) as { findOneAndUpdate: unknown };
  const original = prototype.findOneAndUpdate;
  prototype.findOneAndUpdate = () => Promise.reject(error);
  return () => {
    prototype.findOneAndUpdate = original;
  };
}
