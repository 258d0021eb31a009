import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { io } from 'socket.io-client';
import { AuthModule } from '../../../src/index.js';
import { databaseUri } from '../../support/database.js';
import { authOptions, HostApp } from '../../support/host-app.js';
import { newSession, REVOCATION_BOUND_MS } from '../../support/http.js';

const WATCHING = fileURLToPath(new URL('../../support/watching-process.mjs', import.meta.url));

let here: HostApp;
let elsewhere: ChildProcess | undefined;
let exited: Promise<unknown>;
let origin: string;

beforeAll(async () => {
  const [uri, options] = [databaseUri('another-process'), authOptions()];
  here = await HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, uri);
  elsewhere = fork(WATCHING, [JSON.stringify({ uri, options })], { execArgv: [] });
  exited = once(elsewhere, 'exit');
  const started = await Promise.race([once(elsewhere, 'message'), exited.then(() => null)]);
  if (started === null) throw new Error('the other process ended before it listened');
  [origin] = started as [string];
});
afterAll(async () => {
  elsewhere?.kill();
  await exited;
  await here?.stop();
});

/** Resolves with the first event; `ended` when the server ends the stream. */
async function follow(token: string): Promise<{ ended: Promise<unknown> }> {
  const headers = { authorization: `Bearer ${token}` };
  const [answer] = await once(get(`${origin}/news`, { headers, agent: false }), 'response');
  const ended = once(answer, 'end');
  await once(answer, 'data');
  return { ended };
}

it('a socket and an event stream end with a logout in another operating system process', async () => {
  const session = await newSession(here.api());
  const other = await newSession(here.api());
  const connect = async (token: string) => {
    const socket = io(origin, { auth: { token }, transports: ['websocket'], reconnection: false });
    expect(await socket.emitWithAck('join')).toEqual({ isIn: true });
    return socket;
  };
  const [socket, staying] = [await connect(session.accessToken), await connect(other.accessToken)];
  const stream = await follow(session.accessToken);
  const gone = new Promise((resolve) => socket.once('disconnect', resolve));
  await here.api().logout({ token: session.accessToken });
  const since = performance.now();
  await Promise.all([gone, stream.ended]);
  expect(performance.now() - since).toBeLessThan(REVOCATION_BOUND_MS);
  expect(staying.connected).toBe(true);
  staying.disconnect();
});
