import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UseFilters, UseGuards } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebSocket } from 'ws';
import { CLOCK, type Clock } from '../../../src/core/ports.js';
import {
  type AuthenticatedUser,
  type AuthError,
  AuthErrorFilter,
  CurrentUser,
  JwtAuthGuard,
  SessionWatcher,
  SocketSessions,
} from '../../../src/index.js';
import { eventually } from '../../support/eventually.js';
import type { HostApp } from '../../support/host-app.js';
import { newSession, refreshed } from '../../support/http.js';
import { errorLines, startSocketHost } from '../../support/socket-host.js';
import { claimsOf } from '../../support/tokens.js';

/** Authenticates by the ticket in the URL, otherwise by the first message. */
@WebSocketGateway()
class NewsGateway {
  constructor(private readonly sockets: SocketSessions) {}

  async handleConnection(client: WebSocket, request: IncomingMessage): Promise<void> {
    if (!request.url?.includes('ticket=')) return;
    await this.sockets
      .connect(client, request, { closeExpired: true })
      .catch((error: AuthError) => client.close(4401, error.code));
  }

  @SubscribeMessage('whoami')
  @UseGuards(JwtAuthGuard)
  whoami(@CurrentUser() user: AuthenticatedUser) {
    return { event: 'user', data: user.id };
  }

  @SubscribeMessage('claims')
  @UseGuards(JwtAuthGuard)
  claims(@CurrentUser() user: AuthenticatedUser) {
    return { event: 'claims', data: user.claims };
  }

  @SubscribeMessage('auth')
  @UseFilters(AuthErrorFilter)
  async authenticate(@ConnectedSocket() client: WebSocket, @MessageBody() message: unknown) {
    return { event: 'authenticated', data: (await this.sockets.renew(client, message)).id };
  }
}

let host: HostApp;
let errors: unknown[][];
const open: WebSocket[] = [];

async function connect(query = ''): Promise<WebSocket> {
  const socket = new WebSocket(`${host.origin.replace('http', 'ws')}/${query}`);
  open.push(socket);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

function ask(
  socket: WebSocket,
  event: string,
  data: unknown = {},
): Promise<{ event: string; data: unknown }> {
  const answer = new Promise<string>((resolve) =>
    socket.once('message', (bytes: Buffer) => resolve(bytes.toString())),
  );
  socket.send(JSON.stringify({ event, data }));
  return answer.then((text) => JSON.parse(text) as { event: string; data: unknown });
}

const closed = (socket: WebSocket) =>
  new Promise<string>((resolve) =>
    socket.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`)),
  );
const refusal = (code: string) => ({
  event: 'exception',
  data: expect.objectContaining({ status: 'error', statusCode: 401, code }),
});

async function ticketOf(accessToken: string): Promise<string> {
  return (await host.api().post('/auth/ticket', undefined, { token: accessToken })).json.ticket;
}

beforeEach(async () => {
  host = await startSocketHost('ws', [NewsGateway], {
    accessToken: { claims: () => ({ tenantId: 'acme' }) },
  });
  errors = errorLines();
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate();
  await host.stop();
});

describe('native WebSockets', () => {
  it('accept a ticket in the URL, once; a message that arrives before the check is done waits for it', async () => {
    const session = await newSession(host.api());
    const ticket = await ticketOf(session.accessToken);
    const socket = await connect(`?ticket=${ticket}`);
    expect(await ask(socket, 'whoami')).toEqual({ event: 'user', data: session.userId });
    expect(await closed(await connect(`?ticket=${ticket}`))).toBe('4401 TICKET_INVALID');
    expect(errors).toEqual([]);
  });

  it("know the host's claims by a ticket as well as by its token", async () => {
    const session = await newSession(host.api());
    const byTicket = await connect(`?ticket=${await ticketOf(session.accessToken)}`);
    const byToken = await connect();
    await ask(byToken, 'auth', { accessToken: session.accessToken });
    for (const socket of [byTicket, byToken])
      expect(await ask(socket, 'claims')).toEqual({ event: 'claims', data: { tenantId: 'acme' } });
  });

  it('accept a token in the first message', async () => {
    const session = await newSession(host.api());
    const socket = await connect();
    expect(await ask(socket, 'whoami')).toEqual(refusal('ACCESS_TOKEN_MISSING'));
    expect(await ask(socket, 'auth', { accessToken: 'bad' })).toEqual(refusal('ACCESS_TOKEN_INVALID'));
    expect(await ask(socket, 'whoami')).toEqual(refusal('ACCESS_TOKEN_MISSING'));
    expect(await ask(socket, 'auth', { accessToken: session.accessToken })).toMatchObject({
      event: 'authenticated',
    });
    expect(await ask(socket, 'whoami')).toEqual({ event: 'user', data: session.userId });
    expect(errors).toEqual([]);
  });

  it('never accept a token in the URL', async () => {
    const { accessToken } = await newSession(host.api());
    const socket = await connect(`?ticket=${accessToken}`);
    expect(await closed(socket)).toBe('4401 TICKET_INVALID');
  });

  it('close when the session ends, and nothing of them remains', async () => {
    const api = host.api();
    const session = await newSession(api);
    const watcher = host.app.get(SessionWatcher, { strict: false });
    const sockets = [
      await connect(`?ticket=${await ticketOf(session.accessToken)}`),
      await connect(`?ticket=${await ticketOf(session.accessToken)}`),
    ] as const;
    for (const socket of sockets) await ask(socket, 'whoami');
    expect(watcher.size).toBe(2);
    const gone = sockets.map(closed);
    await api.logout({ token: session.accessToken });
    expect(await Promise.all(gone)).toEqual(['4401 ACCESS_TOKEN_REVOKED', '4401 ACCESS_TOKEN_REVOKED']);
    expect(watcher.size).toBe(0);
  });

  it('are forgotten when they close by themselves', async () => {
    const session = await newSession(host.api());
    const watcher = host.app.get(SessionWatcher, { strict: false });
    const socket = await connect(`?ticket=${await ticketOf(session.accessToken)}`);
    await ask(socket, 'whoami');
    const gone = closed(socket);
    socket.close();
    await gone;
    // The server may hear of it later.
    const left = await eventually(
      async () => watcher.size,
      (size) => size === 0,
    );
    expect(left).toBe(0);
  });

  it('a ticket of an ended session is refused', async () => {
    const api = host.api();
    const session = await newSession(api);
    const ticket = await ticketOf(session.accessToken);
    await api.logout({ token: session.accessToken });
    expect(await closed(await connect(`?ticket=${ticket}`))).toBe('4401 ACCESS_TOKEN_REVOKED');
  });

  it('close with their token if they are asked to, unless it is renewed', async () => {
    const api = host.api();
    const session = await newSession(api);
    // The clock stands still, so that the token lives as long as this test needs it.
    const clock = host.app.get<Clock>(CLOCK, { strict: false });
    const expiresAt = claimsOf(session.accessToken).exp * 1000;
    clock.now = () => expiresAt - 500;
    const sockets = [
      await connect(`?ticket=${await ticketOf(session.accessToken)}`),
      await connect(`?ticket=${await ticketOf(session.accessToken)}`),
    ] as const;
    for (const socket of sockets)
      expect(await ask(socket, 'whoami')).toEqual({ event: 'user', data: session.userId });
    const [left, renewed] = sockets;
    const { accessToken } = await refreshed(api, session);
    expect(await ask(renewed, 'auth', { accessToken })).toMatchObject({ event: 'authenticated' });
    const gone = closed(left);
    clock.now = () => expiresAt;
    expect(await gone).toBe('4401 ACCESS_TOKEN_EXPIRED');
    expect(await ask(renewed, 'whoami')).toEqual({ event: 'user', data: session.userId });
  });
});
