/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import axios, { type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { attachToAxios } from '../src/axios.js';
import { gate, refusal } from './support/auth-server.js';
import { GRACE, statusOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

async function attached() {
  const tab = await on.signedIn();
  const instance = axios.create({ baseURL: on.server.origin, adapter: 'http' });
  return { ...tab, tab, instance, detach: attachToAxios(instance, tab.auth) };
}

describe('attachToAxios', () => {
  it('sends the access token, until it is detached', async () => {
    const { instance, detach, auth } = await attached();
    expect((await instance.get('/api/orders')).data.token).toBe(await auth.getAccessToken());
    detach();
    await expect(instance.get('/api/orders')).rejects.toMatchObject({ response: { status: 401 } });
    expect(on.server.count('/auth/refresh')).toBe(0);
  });

  it('refreshes once and repeats each request once', async () => {
    const { instance, auth } = await attached();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    const answers = await Promise.all([1, 2, 3].map((id) => instance.post('/api/orders', { id })));
    expect(answers.map(({ data }) => data.body)).toEqual(['{"id":1}', '{"id":2}', '{"id":3}']);
    expect([on.server.count('/api/orders'), on.server.count('/auth/refresh')]).toEqual([6, 1]);
  });

  it('reads the code of an error that axios has not parsed', async () => {
    const { instance, auth } = await attached();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    const answer = await instance.get('/api/orders', { responseType: 'arraybuffer' });
    expect(answer.status).toBe(200);
  });

  it('passes on a second 401, and any other 401', async () => {
    const { instance } = await attached();
    const refused = refusal(401, 'ACCESS_TOKEN_EXPIRED');
    on.server.answer('/api/orders', refused, refused, refusal(401, 'INVALID_CREDENTIALS'));
    const code = () => instance.get('/api/orders').catch((error: unknown) => error);
    expect(await code()).toMatchObject({ response: { data: { code: 'ACCESS_TOKEN_EXPIRED' } } });
    expect(await code()).toMatchObject({ response: { data: { code: 'INVALID_CREDENTIALS' } } });
    expect([on.server.count('/api/orders'), on.server.count('/auth/refresh')]).toEqual([3, 1]);
  });

  it('a fault of the refresh fails the request with its error, and is not a logout', async () => {
    const { instance, auth, tab } = await attached();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    on.server.answer('/auth/refresh', {
      ...refusal(429, 'TOO_MANY_ATTEMPTS'),
      headers: { 'retry-after': '60' },
    });
    await expect(instance.get('/api/orders')).rejects.toMatchObject({
      code: 'TOO_MANY_ATTEMPTS',
      status: 429,
    });
    expect(statusOf(tab)).toBe('signed-in');
  });

  it('never sends the token to a foreign origin, and keeps an existing Authorization', async () => {
    const { instance } = await attached();
    const foreign = `${on.server.origin.replace('127.0.0.1', 'localhost')}/api/orders`;
    await instance.get(foreign).catch(() => undefined);
    await instance.get('/api/orders', { headers: { authorization: 'Basic abc' } });
    expect(on.server.to('/api/orders').map(({ headers }) => headers.authorization)).not.toContainEqual(
      expect.stringContaining('Bearer'),
    );
  });

  it('never repeats a request of one user in the name of the next', async () => {
    const { instance, auth } = await attached();
    const { opened, open } = gate();
    on.server.answer('/api/orders', { ...refusal(401, 'ACCESS_TOKEN_REVOKED'), after: opened });
    const arrived = on.server.arrival('/api/orders');
    const late = instance.delete('/api/orders').catch((error: unknown) => error);
    await arrived;
    await auth.login(GRACE);
    open();
    expect(await late).toMatchObject({ response: { status: 401 } });
    expect(on.server.count('/api/orders')).toBe(1);
  });

  it('does not repeat a body that is a stream: its 401 is passed on', async () => {
    const { instance, auth } = await attached();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    const sent = instance.post('/api/orders', Readable.from(['a', 'b'])).catch((error: unknown) => error);
    expect(await sent).toMatchObject({ response: { status: 401, data: { code: 'ACCESS_TOKEN_EXPIRED' } } });
    expect(on.server.to('/api/orders').map(({ body }) => body)).toEqual(['ab']);
    expect(on.server.count('/auth/refresh')).toBe(0);
  });
});

/** An instance whose next request is refused and repeated. */
async function expired(options: object = {}) {
  const all = await attached();
  Object.assign(all.instance.defaults, options);
  on.server.refused.add((await all.auth.getAccessToken()) ?? '');
  return all;
}
const bearers = (path = '/api/orders') => on.server.to(path).map(({ headers }) => headers.authorization);

describe('attachToAxios with other code on the same instance', () => {
  it('interceptors and transforms run once, whether they were added before or after', async () => {
    for (const isBefore of [true, false]) {
      const tab = await on.signedIn();
      const instance = axios.create({ baseURL: on.server.origin, adapter: 'http' });
      const log: string[] = [];
      const own = () => {
        instance.interceptors.request.use((config) => {
          log.push('request');
          config.url = `/api${config.url}`;
          return config;
        });
        instance.interceptors.response.use((response) => ({ wrapped: response.data }) as never);
        instance.defaults.transformRequest = (data) => JSON.stringify({ wrapped: data });
      };
      if (isBefore) own();
      attachToAxios(instance, tab.auth);
      if (!isBefore) own();
      on.server.refused.add((await tab.auth.getAccessToken()) ?? '');
      const answer = await instance.post('/orders', 'x', { headers: { 'content-type': 'text/plain' } });
      expect(answer).toMatchObject({ wrapped: { body: '{"wrapped":"x"}' } });
      expect(log).toEqual(['request']);
    }
    expect(on.server.count('/api/orders')).toBe(4);
  });

  it('the URL after the interceptors decides which origin gets the token', async () => {
    const { auth } = await on.signedIn();
    const foreign = on.server.origin.replace('127.0.0.1', 'localhost');
    const changes: ((config: InternalAxiosRequestConfig) => void)[] = [
      (config) => void (config.baseURL = foreign),
      (config) => void (config.url = `${foreign}${config.url}`),
      (config) => void Object.assign(config, { baseURL: undefined, url: `${foreign}/api/orders` }),
    ];
    for (const change of changes) {
      const instance = axios.create({ baseURL: on.server.origin, adapter: 'http' });
      instance.interceptors.request.use((config) => {
        change(config);
        return config;
      });
      attachToAxios(instance, auth);
      await instance.get('/api/orders').catch(() => undefined);
    }
    expect(bearers()).toEqual([undefined, undefined, undefined]);
    const instance = axios.create({ baseURL: foreign, adapter: 'http' });
    instance.interceptors.request.use((config) => Object.assign(config, { baseURL: on.server.origin }));
    attachToAxios(instance, auth);
    expect((await instance.get('/api/orders')).status).toBe(200);
  });

  it('repairs whatever validateStatus treats as success', async () => {
    const { instance } = await expired({ validateStatus: () => true });
    expect((await instance.get('/api/orders')).status).toBe(200);
    on.server.answer('/api/orders', refusal(401, 'INVALID_CREDENTIALS'));
    expect((await instance.get('/api/orders')).data.code).toBe('INVALID_CREDENTIALS');
  });

  it('repairs before an interceptor sees the error, whatever it makes of it', async () => {
    const tab = await on.signedIn();
    const instance = axios.create({ baseURL: on.server.origin, adapter: 'http' });
    const seen: unknown[] = [];
    instance.interceptors.response.use(null, (error) => {
      seen.push(error.response.status);
      throw error.response.data;
    });
    attachToAxios(instance, tab.auth);
    on.server.refused.add((await tab.auth.getAccessToken()) ?? '');
    expect((await instance.get('/api/orders')).status).toBe(200);
    expect(seen).toEqual([]);
    on.server.answer('/api/orders', refusal(403, 'FORBIDDEN'));
    await expect(instance.get('/api/orders')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(seen).toEqual([403]);
  });

  it('a cancellation during the wait for a refresh is an axios cancellation, at once', async () => {
    const { instance } = await expired();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const abort = new AbortController();
    const source = axios.CancelToken.source();
    const arrived = on.server.arrival('/auth/refresh');
    const failures = [{ signal: abort.signal }, { cancelToken: source.token }].map((config) =>
      instance.get('/api/orders', config).catch((error: unknown) => error),
    );
    await arrived;
    abort.abort();
    source.cancel();
    for (const failure of failures) expect(axios.isCancel(await failure)).toBe(true);
    open();
  });

  it('the timeout includes the wait for a refresh', async () => {
    const { instance, tab } = await expired({ timeout: 300 });
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const failure = await instance.get('/api/orders').catch((error: unknown) => error);
    expect(axios.isAxiosError(failure)).toBe(true);
    expect(failure).toMatchObject({ code: 'ECONNABORTED', message: 'timeout of 300ms exceeded' });
    open();
    expect(statusOf(tab)).toBe('signed-in');
  });

  it('a stream that was refused for another reason can still be read', async () => {
    const { instance } = await attached();
    on.server.answer('/api/orders', refusal(401, 'INVALID_CREDENTIALS'));
    const answer = await instance.get('/api/orders', { responseType: 'stream', validateStatus: null });
    let text = '';
    for await (const chunk of answer.data as Readable) text += String(chunk);
    expect(JSON.parse(text)).toMatchObject({ code: 'INVALID_CREDENTIALS' });

    on.server.answer('/api/orders', {
      ...refusal(401, 'ACCESS_TOKEN_REVOKED'),
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    });
    expect((await instance.get('/api/orders', { responseType: 'stream' })).status).toBe(200);
    on.server.answer('/api/orders', refusal(401, 'INVALID_CREDENTIALS'));
    const web = await instance.get('/api/orders', {
      adapter: 'fetch',
      responseType: 'stream',
      validateStatus: null,
    });
    expect(await new Response(web.data as ReadableStream).json()).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
  });

  it('the answer and the error carry the config of the application', async () => {
    const { instance } = await expired();
    const configs: unknown[] = [];
    instance.interceptors.request.use((config) => {
      configs.push(config);
      return config;
    });
    const answer = await instance.get('/api/orders');
    expect(answer.config).toBe(configs[0]);
    expect(answer.config.headers.get('authorization')).toBeFalsy();
    on.server.answer('/api/orders', { status: 500 });
    const error = await instance.get('/api/orders').catch((failure: unknown) => failure);
    expect(error).toMatchObject({ status: 500 });
    expect((error as { config: unknown }).config).toBe(configs[1]);
    // As retry libraries do it.
    const again = await instance.request((error as { config: InternalAxiosRequestConfig }).config);
    expect(again.status).toBe(200);
  });

  it('repairs once when attached twice, or when a single request has its own adapter', async () => {
    const { instance, auth } = await expired();
    attachToAxios(instance, auth);
    expect((await instance.get('/api/orders')).status).toBe(200);
    expect([on.server.count('/api/orders'), on.server.count('/auth/refresh')]).toEqual([2, 1]);
    const adapter = async (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => ({
      status: 200,
      statusText: '',
      data: config.headers.get('authorization'),
      headers: {},
      config,
    });
    expect((await instance.get('/api/orders', { adapter })).data).toMatch(/^Bearer at/);
  });
});
