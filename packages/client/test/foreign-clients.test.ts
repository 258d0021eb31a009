import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { configureStore } from '@reduxjs/toolkit';
import { createApi, fetchBaseQuery } from '@reduxjs/toolkit/query';
import { QueryClient } from '@tanstack/query-core';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import ky from 'ky';
import { createFetch } from 'ofetch';
import createOpenApiClient from 'openapi-fetch';
import { attachToAxios } from '../src/axios.js';
import type { AuthClient } from '../src/index.js';
import { AuthServer, refusal } from './support/auth-server.js';
import { stage } from './support/stage.js';

/** What the server answers: the token and the body that it got. */
interface Answer {
  readonly token: string;
  readonly body: string;
}

interface Library {
  readonly path: string;
  /** Reads the orders, or places one. Rejects if the server refuses. */
  readonly send: (origin: string, order?: object) => Promise<Answer>;
  /** How often the library saw a failure of its own requests. */
  readonly failures: () => number;
}

const PATH = '/api/orders';

interface Orders {
  '/api/orders': {
    get: { responses: { 200: { content: { 'application/json': Answer } } } };
    post: {
      requestBody: { content: { 'application/json': object } };
      responses: { 200: { content: { 'application/json': Answer } } };
    };
  };
}

/** Each set up as in its own documentation, with `auth.fetch` in place of `fetch`. */
const LIBRARIES: Record<string, (auth: AuthClient) => Library> = {
  ky(auth) {
    let failures = 0;
    const http = ky.create({
      fetch: auth.fetch,
      hooks: { afterResponse: [(_request, _options, { ok }) => void (failures += ok ? 0 : 1)] },
    });
    return {
      path: PATH,
      send: (origin, order) =>
        order ? http.post(origin + PATH, { json: order }).json() : http.get(origin + PATH).json(),
      failures: () => failures,
    };
  },
  ofetch(auth) {
    let failures = 0;
    const http = createFetch({
      fetch: auth.fetch,
      defaults: { retry: 0, onResponseError: () => void (failures += 1) },
    });
    return {
      path: PATH,
      send: (origin, order) => http(origin + PATH, order ? { method: 'POST', body: order } : {}),
      failures: () => failures,
    };
  },
  'openapi-fetch'(auth) {
    let failures = 0;
    return {
      path: PATH,
      async send(baseUrl, order) {
        const http = createOpenApiClient<Orders>({ baseUrl, fetch: auth.fetch });
        http.use({ onResponse: ({ response }) => void (failures += response.ok ? 0 : 1) });
        const answer = order ? await http.POST(PATH, { body: order }) : await http.GET(PATH);
        if (!answer.data) throw new Error(`refused: ${answer.response.status}`);
        return answer.data;
      },
      failures: () => failures,
    };
  },
  'TanStack Query'(auth) {
    let failures = 0;
    let key = 0;
    const retry = () => {
      failures += 1;
      return false;
    };
    const queries = new QueryClient({ defaultOptions: { queries: { retry, gcTime: 0 } } });
    return {
      path: PATH,
      send: (origin, order) =>
        queries.fetchQuery({
          queryKey: [(key += 1)],
          queryFn: async ({ signal }) => {
            const body = order ? JSON.stringify(order) : null;
            const response = await auth.fetch(origin + PATH, {
              method: order ? 'POST' : 'GET',
              body,
              signal,
            });
            if (!response.ok) throw new Error(`refused: ${response.status}`);
            return (await response.json()) as Answer;
          },
        }),
      failures: () => failures,
    };
  },
  'RTK Query'(auth) {
    let failures = 0;
    const request = ({ url, order }: { url: string; order?: object | undefined }) =>
      order ? { url, method: 'POST', body: order } : url;
    const api = createApi({
      baseQuery: fetchBaseQuery({ fetchFn: auth.fetch }),
      keepUnusedDataFor: 0,
      endpoints: (build) => ({
        orders: build.query<Answer, { url: string }>({ query: request }),
        place: build.mutation<Answer, { url: string; order: object }>({ query: request }),
      }),
    });
    const store = configureStore({
      reducer: { [api.reducerPath]: api.reducer },
      middleware: (defaults) => defaults().concat(api.middleware),
    });
    return {
      path: PATH,
      async send(origin, order) {
        const url = origin + PATH;
        const { orders, place } = api.endpoints;
        const answer = order
          ? await store.dispatch(place.initiate({ url, order }))
          : await store.dispatch(orders.initiate({ url }, { forceRefetch: true, subscribe: false }));
        if (answer.data) return answer.data;
        failures += 1;
        throw new Error('refused', { cause: answer.error });
      },
      failures: () => failures,
    };
  },
  Apollo(auth) {
    let failures = 0;
    return {
      path: '/api/graphql',
      async send(origin, order) {
        const link = new HttpLink({ uri: `${origin}/api/graphql`, fetch: auth.fetch });
        const client = new ApolloClient({ link, cache: new InMemoryCache() });
        try {
          const { data } = order
            ? await client.mutate({
                mutation: gql('mutation ($id: ID) { token body(id: $id) }'),
                variables: order,
              })
            : await client.query({ query: gql('{ token body }') });
          return data as Answer;
        } catch (error) {
          failures += 1;
          throw error;
        }
      },
      failures: () => failures,
    };
  },
  'axios-retry'(auth) {
    let failures = 0;
    const http = axios.create({ adapter: 'fetch' });
    axiosRetry(http, {
      retryDelay: () => 1,
      retryCondition: (error) => {
        failures += 1;
        return axiosRetry.isNetworkOrIdempotentRequestError(error);
      },
    });
    attachToAxios(http, auth);
    return {
      path: PATH,
      send: async (origin, order) =>
        (await (order ? http.post(origin + PATH, order) : http.get(origin + PATH))).data as Answer,
      failures: () => failures,
    };
  },
};

const on = stage();
let foreign: AuthServer;
beforeEach(async () => {
  foreign = await AuthServer.start();
});
afterEach(() => foreign.stop());

/** A library, and an access token that the server refuses from now on. */
async function refused(name: string) {
  const { auth } = await on.signedIn();
  const token = (await auth.getAccessToken()) ?? '';
  on.server.refused.add(token);
  const make = LIBRARIES[name];
  if (!make) throw new Error(`no library ${name}`);
  return { token, library: make(auth) };
}

describe.each(Object.keys(LIBRARIES))('%s', (name) => {
  it('never sees a refused access token: the request is repeated below it', async () => {
    const { token, library } = await refused(name);
    const answer = await library.send(on.server.origin);
    expect(answer.token).toMatch(/^at\./);
    expect(answer.token).not.toBe(token);
    expect(on.server.to(library.path)).toHaveLength(2);
    expect(on.server.count('/auth/refresh')).toBe(1);
    expect(library.failures()).toBe(0);
  });

  it('sends the same body again', async () => {
    const { library } = await refused(name);
    const answer = await library.send(on.server.origin, { id: 'order-7' });
    expect(answer.body).toContain('order-7');
    const [first, second] = on.server.to(library.path);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['content-type']).toBe(first?.headers['content-type']);
  });

  it('shares one refresh among parallel requests', async () => {
    const { token, library } = await refused(name);
    const answers = await Promise.all([1, 2, 3].map((id) => library.send(on.server.origin, { id })));
    expect(answers.map((answer) => answer.token)).not.toContain(token);
    expect(on.server.count('/auth/refresh')).toBe(1);
    expect(library.failures()).toBe(0);
  });

  it('sends no token to a foreign origin, and requests none for it', async () => {
    const { library } = await refused(name);
    foreign.answer(library.path, refusal(401, 'ACCESS_TOKEN_EXPIRED'));
    await expect(library.send(foreign.origin)).rejects.toThrow();
    expect(foreign.received.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(on.server.count('/auth/refresh')).toBe(0);
    expect(library.failures()).toBe(1);
  });
});

it('axios-retry repeats its own failures, with the access token', async () => {
  const { auth } = await on.signedIn();
  const library = LIBRARIES['axios-retry']?.(auth);
  on.server.answer(PATH, { status: 503 }, { status: 503 });
  expect((await library?.send(on.server.origin))?.token).toBe(await auth.getAccessToken());
  expect(library?.failures()).toBe(2);
});
