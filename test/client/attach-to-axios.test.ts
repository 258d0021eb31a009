/** @jest-environment ./test/client/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import axios from 'axios';
import { attachToAxios } from '../../src/client/index.js';
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

  it('hands on a second 401, and any other', async () => {
    const { instance } = await attached();
    const refused = refusal(401, 'ACCESS_TOKEN_EXPIRED');
    on.server.answer('/api/orders', refused, refused, refusal(401, 'INVALID_CREDENTIALS'));
    const code = () => instance.get('/api/orders').catch((error: unknown) => error);
    expect(await code()).toMatchObject({ response: { data: { code: 'ACCESS_TOKEN_EXPIRED' } } });
    expect(await code()).toMatchObject({ response: { data: { code: 'INVALID_CREDENTIALS' } } });
    expect([on.server.count('/api/orders'), on.server.count('/auth/refresh')]).toEqual([3, 1]);
  });

  it('a fault of the refresh fails the request with its error, and is no logout', async () => {
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

  it('never shows the token to a foreign origin, and leaves an Authorization alone', async () => {
    const { instance } = await attached();
    const foreign = `${on.server.origin.replace('127.0.0.1', 'localhost')}/api/orders`;
    await instance.get(foreign).catch(() => undefined);
    await instance.get('/api/orders', { headers: { authorization: 'Basic abc' } });
    expect(on.server.to('/api/orders').map(({ headers }) => headers.authorization)).not.toContainEqual(
      expect.stringContaining('Bearer'),
    );
  });

  it('a request of one user is never repeated in the name of the next', async () => {
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

  it('does not repeat a body that is a stream: its 401 is handed on', async () => {
    const { instance, auth } = await attached();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    const sent = instance.post('/api/orders', Readable.from(['a', 'b'])).catch((error: unknown) => error);
    expect(await sent).toMatchObject({ response: { status: 401, data: { code: 'ACCESS_TOKEN_EXPIRED' } } });
    expect(on.server.to('/api/orders').map(({ body }) => body)).toEqual(['ab']);
    expect(on.server.count('/auth/refresh')).toBe(0);
  });
});
