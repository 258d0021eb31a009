import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UseFilters, UseGuards } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { io, type Socket } from 'socket.io-client';
import {
  type AuthenticatedUser,
  AuthErrorFilter,
  CurrentUser,
  JwtAuthGuard,
  OptionalJwtAuthGuard,
  Roles,
  RolesGuard,
  SessionWatcher,
  SocketSessions,
} from '../../../src/index.js';
import { databaseUri } from '../../support/database.js';
import { authOptions, type HostApp } from '../../support/host-app.js';
import { newSession, refreshed, REVOCATION_BOUND_MS } from '../../support/http.js';
import { errorLines, startSocketHost } from '../../support/socket-host.js';

@WebSocketGateway()
class ChatGateway {
  constructor(private readonly sockets: SocketSessions) {}

  @SubscribeMessage('whoami')
  @UseGuards(JwtAuthGuard)
  whoami(@CurrentUser() user: AuthenticatedUser) {
    return { id: user.id };
  }

  @SubscribeMessage('anybody')
  @UseGuards(OptionalJwtAuthGuard)
  anybody(@CurrentUser() user?: AuthenticatedUser) {
    return { id: user?.id ?? null };
  }

  @SubscribeMessage('administer')
  @Roles('admin')
  @UseGuards(RolesGuard)
  administer() {
    return { done: true };
  }

  @SubscribeMessage('auth.renew')
  @UseFilters(AuthErrorFilter)
  async renew(@ConnectedSocket() client: object, @MessageBody() message: unknown) {
    return { id: (await this.sockets.renew(client, message)).id };
  }
}

let host: HostApp;
let errors: unknown[][];
const open: Socket[] = [];

function connect(auth: object = {}, extraHeaders: Record<string, string> = {}): Socket {
  const socket = io(host.origin, { auth, extraHeaders, transports: ['websocket'], reconnection: false });
  open.push(socket);
  return socket;
}

/** The acknowledgement of a message, or the exception instead. */
function ask(socket: Socket, message: string, data: unknown = {}): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    socket.once('exception', resolve);
    socket.emit(message, data, resolve);
  });
}

const closed = (socket: Socket) => new Promise((resolve) => socket.once('disconnect', resolve));
const refusal = (code: string) => expect.objectContaining({ status: 'error', statusCode: 401, code });

beforeEach(async () => {
  host = await startSocketHost('socket.io', [ChatGateway]);
  errors = errorLines();
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.disconnect();
  await host.stop();
});

describe('socket.io', () => {
  it.each([
    ['auth.token', (token: string) => [{ token }]],
    ['auth.accessToken', (accessToken: string) => [{ accessToken }]],
    ['the header', (token: string) => [{}, { authorization: `Bearer ${token}` }]],
  ] as const)('accepts the token of %s', async (_where, place) => {
    const session = await newSession(host.api());
    const socket = connect(...(place(session.accessToken) as [object, Record<string, string>?]));
    for (const message of ['whoami', 'anybody'])
      expect(await ask(socket, message)).toEqual({ id: session.userId });
    expect(await ask(socket, 'administer')).toMatchObject({ status: 'error', code: 'FORBIDDEN' });
    expect(errors).toEqual([]);
  });

  it('accepts a ticket once', async () => {
    const api = host.api();
    const session = await newSession(api);
    const { ticket, expiresIn } = (await api.post('/auth/ticket', undefined, { token: session.accessToken }))
      .json;
    expect(expiresIn).toBe(30);
    const socket = connect({ ticket });
    expect(await ask(socket, 'whoami')).toEqual({ id: session.userId });
    expect(await ask(socket, 'whoami')).toEqual({ id: session.userId });
    expect(await ask(connect({ ticket }), 'whoami')).toEqual(refusal('TICKET_INVALID'));
  });

  it('refuses with a typed error, and logs nothing', async () => {
    expect(await ask(connect(), 'whoami')).toEqual(refusal('ACCESS_TOKEN_MISSING'));
    expect(await ask(connect(), 'administer')).toEqual(refusal('ACCESS_TOKEN_MISSING'));
    expect(await ask(connect(), 'anybody')).toEqual({ id: null });
    for (const token of ['bad', 'a.b.c', 'x'.repeat(9000)])
      expect(await ask(connect({ token }), 'whoami')).toEqual(refusal('ACCESS_TOKEN_INVALID'));
    expect(errors).toEqual([]);
  });

  it('accepts a newer token on an open socket only from the same user', async () => {
    const api = host.api();
    const session = await newSession(api);
    const socket = connect({ token: session.accessToken });
    await ask(socket, 'whoami');
    const { accessToken } = await refreshed(api, session);
    expect(await ask(socket, 'auth.renew', { accessToken })).toEqual({ id: session.userId });
    const other = await newSession(api);
    expect(await ask(socket, 'auth.renew', { accessToken: other.accessToken })).toMatchObject({
      status: 'error',
      code: 'ACCESS_TOKEN_INVALID',
    });
    expect(await ask(socket, 'whoami')).toEqual({ id: session.userId });
  });

  it('closes the socket when its session ends, and forgets it', async () => {
    const api = host.api();
    const session = await newSession(api);
    const socket = connect({ token: session.accessToken });
    await ask(socket, 'whoami');
    const watcher = host.app.get(SessionWatcher, { strict: false });
    expect(watcher.size).toBe(1);
    const refused = new Promise((resolve) => socket.once('exception', resolve));
    const gone = closed(socket);
    await api.logout({ token: session.accessToken });
    expect(await refused).toEqual(refusal('ACCESS_TOKEN_REVOKED'));
    expect(await gone).toBe('io server disconnect');
    expect(watcher.size).toBe(0);
  });

  it('closes it when the session ends in another process', async () => {
    const keys = authOptions().keys;
    const uri = databaseUri('sockets');
    const elsewhere = await startSocketHost('socket.io', [ChatGateway], { keys }, [], uri);
    const here = await startSocketHost('socket.io', [ChatGateway], { keys }, [], uri);
    try {
      const session = await newSession(elsewhere.api());
      const socket = io(here.origin, { auth: { token: session.accessToken }, transports: ['websocket'] });
      open.push(socket);
      expect(await ask(socket, 'whoami')).toEqual({ id: session.userId });
      const gone = closed(socket);
      await elsewhere.api().send('POST', '/auth/logout-all', { token: session.accessToken });
      const since = performance.now();
      await gone;
      expect(performance.now() - since).toBeLessThan(REVOCATION_BOUND_MS);
    } finally {
      await here.app.close();
      await elsewhere.stop();
    }
  });
});
