import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { UseGuards } from '@nestjs/common';
import { Controller } from '@nestjs/common';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { type ClientProxy, ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { firstValueFrom } from 'rxjs';
import { io, type Socket } from 'socket.io-client';
import {
  type AuthenticatedUser,
  CurrentUser,
  JwtAuthGuard,
  Roles,
  RolesGuard,
  SocketSessions,
} from '../../src/verify/index.js';
import { ISSUER, newKey, publicOf, signedBy } from '../support/foreign-tokens.js';
import { freePort } from '../support/free-port.js';
import { InMemoryRevocationStore } from '../support/in-memory-revocation.store.js';
import { KeySetServer, VerifyingHost } from '../support/verifying-host.js';

@Controller()
class OrdersController {
  @MessagePattern('whoami')
  @UseGuards(JwtAuthGuard)
  whoami(@CurrentUser() user: AuthenticatedUser) {
    return user.id;
  }
}

@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('whoami')
  @UseGuards(JwtAuthGuard)
  whoami(@CurrentUser() user: AuthenticatedUser) {
    return { id: user.id };
  }
}

@Resolver()
class OrdersResolver {
  @Query(() => String)
  @UseGuards(JwtAuthGuard)
  whoami(@CurrentUser() user: AuthenticatedUser): string {
    return user.id;
  }

  @Query(() => String)
  @Roles('admin')
  @UseGuards(RolesGuard)
  administer(): string {
    return 'done';
  }
}

const key = newKey('a', 'ES256');
const store = new InMemoryRevocationStore();
let keySet: KeySetServer;
let host: VerifyingHost;
let rpc: ClientProxy;
const open: Socket[] = [];

beforeEach(async () => {
  keySet = await KeySetServer.start();
  keySet.answer = { body: { keys: [publicOf(key)] } };
  const port = await freePort();
  const transport = { transport: Transport.TCP, options: { host: '127.0.0.1', port } } as const;
  const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true });
  host = await VerifyingHost.start(
    'express',
    { issuer: ISSUER, jwksUri: keySet.url, revocation: { store }, keySet: { cooldown: '1s' } },
    { imports: [graphql], controllers: [OrdersController], providers: [ChatGateway, OrdersResolver] },
    (app) => app.useWebSocketAdapter(new IoAdapter(app)).connectMicroservice(transport),
  );
  await host.app.startAllMicroservices();
  rpc = ClientProxyFactory.create(transport);
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.disconnect();
  rpc.close();
  await host.stop();
  await keySet.stop();
});

const askRpc = (payload: object): Promise<unknown> =>
  firstValueFrom(rpc.send<unknown>('whoami', payload)).catch((error: unknown) => error);

function connect(token: string): Socket {
  const socket = io(host.origin, { auth: { token }, transports: ['websocket'], reconnection: false });
  open.push(socket);
  return socket;
}
const askSocket = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => {
    socket.once('exception', resolve);
    socket.emit('whoami', {}, resolve);
  });

async function askGraphql(query: string, token: string): Promise<unknown> {
  const answer = await host.api().post('/graphql', { query: `{ ${query} }` }, { token });
  return answer.json.data?.[query] ?? answer.json.errors[0].extensions.code;
}

describe('a service that only verifies', () => {
  it('identifies the user of messages, sockets and queries', async () => {
    const token = await signedBy(key);
    expect(await askRpc({ accessToken: token })).toBe('ada');
    expect(await askRpc({})).toMatchObject({ statusCode: 401, code: 'ACCESS_TOKEN_MISSING' });
    expect(await askSocket(connect(token))).toEqual({ id: 'ada' });
    expect(await askSocket(connect('bad'))).toMatchObject({ code: 'ACCESS_TOKEN_INVALID' });
    expect(await askGraphql('whoami', token)).toBe('ada');
    expect(await askGraphql('administer', token)).toBe('FORBIDDEN');
    expect(await askGraphql('whoami', 'bad')).toBe('ACCESS_TOKEN_INVALID');
  });

  it('refuses with a typed error while the keys cannot be fetched', async () => {
    keySet.answer = { status: 500, body: {} };
    const token = await signedBy(newKey('b', 'ES256'));
    const unavailable = { statusCode: 503, code: 'TEMPORARILY_UNAVAILABLE' };
    for (;;) {
      // Until the cooldown is over the key is simply unknown.
      const answer = await askRpc({ accessToken: token });
      if ((answer as { statusCode: number }).statusCode === 401) continue;
      expect(answer).toMatchObject(unavailable);
      break;
    }
    expect(await askSocket(connect(token))).toMatchObject(unavailable);
    expect(await askGraphql('whoami', token)).toBe('TEMPORARILY_UNAVAILABLE');
  });

  it('closes sockets whose session ends, if a store is shared; tickets are left to the service that signs', async () => {
    const socket = connect(await signedBy(key));
    expect(await askSocket(socket)).toEqual({ id: 'ada' });
    const closed = new Promise((resolve) => socket.once('disconnect', resolve));
    await store.add([{ key: 'sid:0123456789abcdef01234567', expiresAt: new Date(Date.now() + 60_000) }]);
    await closed;
    const sockets = host.app.get(SocketSessions);
    await expect(sockets.connect({}, { ticket: 'x' })).rejects.toMatchObject({ code: 'TICKET_INVALID' });
  });
});
