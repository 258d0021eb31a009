import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module, UseGuards } from '@nestjs/common';
import { Args, GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { createClient, type ExecutionResult } from 'graphql-ws';
import { WebSocket } from 'ws';
import {
  type AuthenticatedUser,
  AuthModule,
  CurrentUser,
  JwtAuthGuard,
  Roles,
  RolesGuard,
  SocketSessions,
} from '../../../src/index.js';
import { authOptions, HostApp } from '../../support/host-app.js';
import { newSession } from '../../support/http.js';
import { errorLines } from '../../support/socket-host.js';

async function* count(to: number, id: string) {
  for (let each = 0; each < to; each += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    yield { ticks: `${id} ${each}` };
  }
}

@Resolver()
class ClockResolver {
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

  @Subscription(() => String)
  @UseGuards(JwtAuthGuard)
  ticks(@Args('to', { type: () => Number }) to: number, @CurrentUser() user: AuthenticatedUser) {
    return count(to, user.id);
  }
}

@Module({
  imports: [
    GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      inject: [SocketSessions],
      useFactory: (sockets: SocketSessions) => ({
        autoSchemaFile: true,
        subscriptions: {
          'graphql-ws': {
            // Refuses unauthenticated clients before their first operation.
            onConnect: async ({ connectionParams, extra }) => {
              if (connectionParams?.['early'] !== true) return true;
              const { socket } = extra as { socket: object };
              return sockets.connect(socket, connectionParams).then(
                () => true,
                () => false,
              );
            },
          },
        },
      }),
    }),
  ],
  providers: [ClockResolver],
})
class GraphqlModule {}

let host: HostApp;
let errors: unknown[][];

beforeEach(async () => {
  const imports = [AuthModule.forRoot(authOptions()), GraphqlModule];
  host = await HostApp.startWith('express', { imports });
  errors = errorLines();
});
afterEach(() => host.stop());

describe('Apollo over HTTP', () => {
  const clientWith = (token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const link = ApolloLink.from([new HttpLink({ uri: `${host.origin}/graphql`, headers })]);
    return new ApolloClient({ link, cache: new InMemoryCache() });
  };
  const codeOf = async (query: string, token?: string) => {
    const { error } = await clientWith(token).query({
      query: gql(query),
      errorPolicy: 'all',
      fetchPolicy: 'no-cache',
    });
    return (error as { errors?: { extensions?: Record<string, unknown> }[] }).errors?.[0]?.extensions;
  };

  it('accepts a valid token, and refuses others with extensions.code', async () => {
    const { accessToken, userId } = await newSession(host.api());
    const { data } = await clientWith(accessToken).query<{ whoami: string }>({ query: gql('{ whoami }') });
    expect(data?.whoami).toBe(userId);
    expect(await codeOf('{ whoami }')).toMatchObject({ code: 'ACCESS_TOKEN_MISSING', statusCode: 401 });
    expect(await codeOf('{ whoami }', 'bad')).toMatchObject({ code: 'ACCESS_TOKEN_INVALID' });
    expect(await codeOf('{ administer }', accessToken)).toMatchObject({ code: 'FORBIDDEN' });
    expect(errors).toEqual([]);
  });
});

describe('graphql-ws', () => {
  function subscribe(connectionParams: Record<string, unknown>, to = 3) {
    const closes: string[] = [];
    const client = createClient({
      url: `${host.origin.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams,
      retryAttempts: 0,
      on: {
        closed: (event) => {
          const { code, reason } = event as { code: number; reason: string };
          closes.push(`${code} ${reason}`);
        },
      },
    });
    const results = client.iterate<{ ticks: string }>({ query: `subscription { ticks(to: ${to}) }` });
    return { client, results, closes };
  }
  const codeOf = ({ errors: [error] = [] }: ExecutionResult) => error?.extensions?.['code'];

  it.each([
    ['authorization', (token: string) => ({ authorization: `Bearer ${token}` })],
    ['accessToken', (accessToken: string) => ({ accessToken })],
    ['accessToken, requested immediately', (accessToken: string) => ({ accessToken, early: true })],
  ])('accepts the connectionParams %s', async (_name, paramsOf) => {
    const { accessToken, userId } = await newSession(host.api());
    const { client, results } = subscribe(paramsOf(accessToken));
    const ticks: unknown[] = [];
    for await (const { data } of results) ticks.push(data?.ticks);
    expect(ticks).toEqual([0, 1, 2].map((each) => `${userId} ${each}`));
    await client.dispose();
    expect(errors).toEqual([]);
  });

  it('refuses an operation with extensions.code, and a connection if the host requires it', async () => {
    for (const [params, code] of [
      [{}, 'ACCESS_TOKEN_MISSING'],
      [{ accessToken: 'bad' }, 'ACCESS_TOKEN_INVALID'],
    ] as const) {
      const { client, results } = subscribe(params);
      const { value } = (await results.next()) as { value: ExecutionResult };
      expect(codeOf(value)).toBe(code);
      await client.dispose();
    }
    const { results } = subscribe({ accessToken: 'bad', early: true });
    await expect(results.next()).rejects.toMatchObject({ code: 4403 });
  });

  it('ends a subscription when the session ends', async () => {
    const api = host.api();
    const { accessToken } = await newSession(api);
    const { client, results, closes } = subscribe({ accessToken }, 1_000_000);
    await results.next();
    await api.logout({ token: accessToken });
    await expect(
      (async () => {
        for await (const _ of results);
      })(),
    ).rejects.toMatchObject({ code: 4401, reason: 'ACCESS_TOKEN_REVOKED' });
    expect(closes).toEqual(['4401 ACCESS_TOKEN_REVOKED']);
    await client.dispose();
  });
});
