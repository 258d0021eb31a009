import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AttemptingClient, newAttempt } from '../support/attempting-client.js';
import { untilConfirmed } from '../support/confirmation.js';
import { databaseUri } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/host-app.js';
import { type Answer, expectError, newSession, refreshed, type Session } from '../support/http.js';
import { Service } from '../support/service.js';

const GRACE_MS = 2_000;

/** Sends a request as bytes, on a connection that the test controls. */
async function send(service: Service, body: object): Promise<Socket> {
  const socket = connect({ port: service.port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  const text = JSON.stringify(body);
  const head = [
    'POST /auth/refresh HTTP/1.1',
    'Host: localhost',
    'Connection: close',
    'User-Agent: test',
    'Content-Type: application/json',
    `Content-Length: ${text.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
  return socket;
}

async function answerOn(socket: Socket): Promise<{ status: number; code: string }> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return { status: Number(text.split(' ')[1]), code: /"code":"(\w+)"/.exec(text)?.[1] ?? '' };
}

describe.each(ADAPTERS)('an instance that stands still, on %s', (adapter) => {
  let near: Service;
  let far: Service;
  beforeAll(async () => {
    const environment = {
      HTTP_ADAPTER: adapter,
      MONGODB_URI: databaseUri('standstill'),
      REFRESH_GRACE_PERIOD: `${GRACE_MS}ms`,
      LOG_LEVEL: 'debug',
    };
    near = await Service.start(environment);
    far = await Service.start(environment);
  }, 180_000);
  afterAll(async () => {
    near?.signal('SIGCONT');
    await near?.dispose();
    await far?.dispose();
  });

  const stop = () => near.signal('SIGSTOP');
  const go = () => near.signal('SIGCONT');

  /** The client retries at the other instance, and continues there until the grace period is over. */
  async function goOn(refresh: () => Promise<Answer>): Promise<void> {
    const answer = await refresh();
    expect(answer.status).toBe(200);
    expect((await far.api().me(answer.json.accessToken)).status).toBe(200);
    await untilConfirmed(far, {
      id: answer.json.session.id,
      accessToken: answer.json.accessToken,
    } as Session);
    await delay(GRACE_MS + 500);
  }

  const logged = (from: number, pattern: RegExp) =>
    eventually(
      async () => near.output.slice(from),
      (output) => pattern.test(output),
    );

  it('a request whose client has gone is neither rotated nor judged', async () => {
    const session = await newSession(near.api());
    const { refreshToken } = session;
    let next = session;
    stop();
    const socket = await send(near, { refreshToken });
    socket.destroy();
    await goOn(async () => {
      const answer = await far.api().refresh(refreshToken);
      next = { ...session, refreshToken: answer.json.refreshToken };
      return answer;
    });
    const before = near.output.length;
    go();
    await logged(before, /client_gone|process_stood_still/);
    expect((await refreshed(far.api(), next)).id).toBe(session.id);
  });

  it('if the proxy does not pass the disconnect on, there is no verdict right after the standstill', async () => {
    const session = await newSession(near.api());
    const { refreshToken } = session;
    let next = session;
    stop();
    const socket = await send(near, { refreshToken });
    await goOn(async () => {
      const answer = await far.api().refresh(refreshToken);
      next = { ...session, refreshToken: answer.json.refreshToken };
      return answer;
    });
    const before = near.output.length;
    go();
    expect(await answerOn(socket)).toEqual({ status: 503, code: 'TEMPORARILY_UNAVAILABLE' });
    await logged(before, /process_stood_still/);
    const last = await refreshed(far.api(), next);
    // A later presentation is judged.
    await delay(GRACE_MS + 2_000);
    expectError(await near.api().refresh(refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    expectError(await far.api().refresh(last.refreshToken), 401, 'SESSION_REVOKED');
  });

  it('with attempts it is superseded, and nothing changes', async () => {
    const client = new AttemptingClient(far.api(), await newSession(near.api()));
    client.attempt = newAttempt();
    const { attempt } = client;
    const { refreshToken } = client.session;
    stop();
    const socket = await send(near, { refreshToken, attempt });
    await goOn(() => client.refresh());
    go();
    expect(await answerOn(socket)).toEqual({ status: 409, code: 'REFRESH_SUPERSEDED' });
    expect((await client.refresh()).json.session.generation).toBe(2);
  });

  it('a half-closed connection gets no answer, so nobody learns anything without a verdict', async () => {
    const session = await newSession(near.api());
    const next = await refreshed(near.api(), session);
    await refreshed(near.api(), next);
    await delay(GRACE_MS + 500);
    const socket = await send(near, { refreshToken: session.refreshToken });
    socket.end();
    expect(await answerOn(socket)).toEqual({ status: Number.NaN, code: '' });
  });
});
