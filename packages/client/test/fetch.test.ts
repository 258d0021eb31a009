/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { gate, refusal } from './support/auth-server.js';
import { ADA, GRACE, statusOf, until } from './support/browser.js';
import { FRESH_MS, stage } from './support/stage.js';

const on = stage();
const orders = () => `${on.server.origin}/api/orders`;
const tokenOf = (header = '') => header.replace('Bearer ', '');

describe('fetch', () => {
  it('sends the access token', async () => {
    const { auth } = await on.signedIn();
    const answer = await (await auth.fetch(orders())).json();
    expect(answer.token).toBe(await auth.getAccessToken());
    expect(answer.token).toMatch(/^at\./);
  });

  it('keeps headers, method and body, of a Request too', async () => {
    const { auth } = await on.signedIn();
    await auth.fetch(new URL(orders()), { method: 'PUT', body: 'a', headers: { 'x-kept': 'one' } });
    await auth.fetch(new Request(orders(), { method: 'PUT', body: 'b', headers: { 'x-kept': 'two' } }));
    const [first, second] = on.server.to('/api/orders');
    expect(first).toMatchObject({ method: 'PUT', body: 'a' });
    expect(second).toMatchObject({ method: 'PUT', body: 'b' });
    expect(first?.headers).toMatchObject({
      'x-kept': 'one',
      authorization: expect.stringMatching(/^Bearer at/),
    });
    expect(second?.headers).toMatchObject({
      'x-kept': 'two',
      authorization: expect.stringMatching(/^Bearer at/),
    });
  });

  it('passes a request with its own Authorization unchanged', async () => {
    const { auth } = await on.signedIn();
    on.server.answer('/api/orders', refusal(401, 'ACCESS_TOKEN_INVALID'));
    const answer = await auth.fetch(orders(), { headers: { authorization: 'Basic abc' } });
    expect(answer.status).toBe(401);
    expect(on.server.to('/api/orders')[0]?.headers.authorization).toBe('Basic abc');
    expect(on.server.count('/auth/refresh')).toBe(0);
  });

  it('never sends the token to a foreign origin', async () => {
    const { auth } = await on.signedIn();
    const foreign = orders().replace('127.0.0.1', 'localhost');
    expect((await auth.fetch(foreign).catch(() => ({ status: 401 }))).status).toBe(401);
    expect(on.server.to('/api/orders').map(({ headers }) => headers.authorization)).not.toContainEqual(
      expect.anything(),
    );
    expect(on.server.count('/auth/refresh')).toBe(0);
  });

  it('refreshes before the token expires, and sends the new token', async () => {
    const tab = await on.signedIn();
    const old = await tab.auth.getAccessToken();
    tab.host.sleep(839_000 - FRESH_MS);
    expect((await (await tab.auth.fetch(orders())).json()).token).toBe(old);
    tab.host.sleep(2_000);
    expect((await (await tab.auth.fetch(orders())).json()).token).not.toBe(old);
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('refreshes once and repeats once on a 401 with an access-token code', async () => {
    const { auth } = await on.signedIn();
    const old = (await auth.getAccessToken()) ?? '';
    on.server.refused.add(old);
    const answer = await auth.fetch(orders(), { method: 'POST', body: 'an order' });
    expect(await answer.json()).toMatchObject({ body: 'an order' });
    const [first, second, ...others] = on.server.to('/api/orders');
    expect(others).toEqual([]);
    expect(tokenOf(first?.headers.authorization)).toBe(old);
    expect(tokenOf(second?.headers.authorization)).not.toBe(old);
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('repeats a Request with a body', async () => {
    const { auth } = await on.signedIn();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    const answer = await auth.fetch(new Request(orders(), { method: 'POST', body: 'an order' }));
    expect(await answer.json()).toMatchObject({ body: 'an order' });
  });

  it('passes on a second 401: no loop', async () => {
    const { auth } = await on.signedIn();
    const refused = refusal(401, 'ACCESS_TOKEN_EXPIRED');
    on.server.answer('/api/orders', refused, refused, refused);
    const answer = await auth.fetch(orders());
    expect(answer.status).toBe(401);
    expect((await answer.json()).code).toBe('ACCESS_TOKEN_EXPIRED');
    expect([on.server.count('/api/orders'), on.server.count('/auth/refresh')]).toEqual([2, 1]);
  });

  it.each([
    ['another code', refusal(401, 'INVALID_CREDENTIALS')],
    ['no JSON', { status: 401, text: '<h1>Unauthorized</h1>' }],
    ['a 403', refusal(403, 'FORBIDDEN')],
  ])('does not refresh for %s', async (_what, reply) => {
    const { auth } = await on.signedIn();
    on.server.answer('/api/orders', reply);
    expect((await auth.fetch(orders())).status).toBe(reply.status);
    expect([on.server.count('/api/orders'), on.server.count('/auth/refresh')]).toEqual([1, 0]);
  });

  it('does not repeat a body that is a stream: its 401 is passed on, unread', async () => {
    const { auth } = await on.signedIn();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    const body = new Blob(['an order']).stream?.() ?? new Response('an order').body;
    const answer = await auth.fetch(orders(), { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect((await answer.json()).code).toBe('ACCESS_TOKEN_EXPIRED');
    expect([on.server.count('/api/orders'), on.server.count('/auth/refresh')]).toEqual([1, 0]);
  });

  it('lets all requests wait for one refresh', async () => {
    const { auth } = await on.signedIn();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    const answers = await Promise.all(Array.from({ length: 20 }, () => auth.fetch(orders())));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('uses a token that came in between: a late 401 causes no refresh', async () => {
    const { auth } = await on.signedIn();
    const { opened, open } = gate();
    on.server.answer('/api/orders', { ...refusal(401, 'ACCESS_TOKEN_EXPIRED'), after: opened });
    const arrived = on.server.arrival('/api/orders');
    const late = auth.fetch(orders());
    await arrived;
    await auth.getAccessToken({ refused: (await auth.getAccessToken()) ?? '' });
    open();
    expect((await late).status).toBe(200);
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('can be aborted without aborting the refresh that others wait for', async () => {
    const tab = await on.signedIn();
    tab.host.sleep(1_000_000);
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const abort = new AbortController();
    const given = tab.auth.fetch(orders(), { signal: abort.signal });
    const kept = tab.auth.fetch(orders());
    await arrived;
    abort.abort(new Error('the user went elsewhere'));
    await expect(given).rejects.toThrow('the user went elsewhere');
    open();
    expect((await kept).status).toBe(200);
    expect(on.server.count('/auth/refresh')).toBe(1);
    expect(on.server.count('/api/orders')).toBe(1);
  });

  it.each([
    ['a 500', { status: 500, text: 'oops' }],
    ['a 503 of the service', refusal(503, 'TEMPORARILY_UNAVAILABLE')],
    ['a 429', refusal(429, 'TOO_MANY_ATTEMPTS')],
    ['a 403 of a proxy', { status: 403, text: '<h1>Forbidden</h1>' }],
    ['a 401 of a proxy', { status: 401, text: '<h1>Log in to the proxy</h1>' }],
    ['a cross-site refusal', refusal(403, 'CROSS_SITE_REQUEST')],
    ['a portal that answers 200', { status: 200, text: '<h1>Welcome to the hotel</h1>' }],
    ['no answer', { isLost: true }],
  ])('%s during the refresh is not a logout: only this request fails', async (_what, fault) => {
    const tab = await on.signedIn();
    on.server.refused.add((await tab.auth.getAccessToken()) ?? '');
    on.server.answer('/auth/refresh', fault, fault, fault);
    const failed = tab.auth.fetch(orders()).catch((error: unknown) => error);
    await tab.host.passTimer(375);
    await tab.host.passTimer(750);
    // The third pause is longer than a request waits.
    expect(await failed).toMatchObject({ name: 'AuthClientError' });
    expect(statusOf(tab)).toBe('signed-in');
    expect(tab.signedOut).toEqual([]);
    expect(await tab.auth.fetch(orders()).catch((error: unknown) => error)).toBe(await failed);
    expect(on.server.count('/auth/refresh')).toBe(3);
    tab.host.sleep(30_000);
    expect((await tab.auth.fetch(orders())).status).toBe(200);
  });

  it('uses a valid token while its successor cannot be fetched', async () => {
    const tab = await on.signedIn();
    const old = await tab.auth.getAccessToken();
    tab.host.sleep(870_000);
    on.server.answer('/auth/refresh', {
      ...refusal(503, 'TEMPORARILY_UNAVAILABLE'),
      headers: { 'retry-after': '20' },
    });
    expect((await (await tab.auth.fetch(orders())).json()).token).toBe(old);
    expect((await (await tab.auth.fetch(orders())).json()).token).toBe(old);
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('asks who is signed in before the first request', async () => {
    await on.signedIn();
    const { auth } = on.browser.tab();
    expect((await auth.fetch(orders())).status).toBe(200);
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('is sent without a token if nobody is signed in, and its 401 causes no refresh', async () => {
    const { auth, signedOut } = on.browser.tab();
    await auth.restore();
    expect((await auth.fetch(orders())).status).toBe(401);
    expect((await auth.fetch(orders())).status).toBe(401);
    expect(on.server.count('/auth/refresh')).toBe(1);
    expect(signedOut).toEqual([]);
  });

  it('never repeats a request of one user in the name of the next', async () => {
    const { auth } = await on.signedIn();
    const { opened, open } = gate();
    on.server.answer('/api/orders', { ...refusal(401, 'ACCESS_TOKEN_REVOKED'), after: opened });
    const arrived = on.server.arrival('/api/orders');
    const late = auth.fetch(orders(), { method: 'DELETE' });
    await arrived;
    await auth.login(GRACE);
    open();
    expect((await late).status).toBe(401);
    expect(on.server.count('/api/orders')).toBe(1);
  });

  it('does not send a request that waited for a token in the name of the next user', async () => {
    const tab = await on.signedIn();
    tab.host.sleep(1_000_000);
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const late = tab.auth.fetch(orders(), { method: 'DELETE' }).catch((error: unknown) => error);
    await arrived;
    await tab.auth.login(GRACE);
    open();
    expect(await late).toMatchObject({ code: 'SUPERSEDED' });
    expect(on.server.count('/api/orders')).toBe(0);
    expect(tab.auth.getState().user?.id).toBe(GRACE.email);
  });

  it('continues after the same user logged in again', async () => {
    const tab = await on.signedIn();
    tab.host.sleep(1_000_000);
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const late = tab.auth.fetch(orders());
    await arrived;
    await tab.auth.login(ADA);
    open();
    expect((await late).status).toBe(200);
  });

  it.each([
    'REFRESH_TOKEN_MISSING',
    'REFRESH_TOKEN_INVALID',
    'REFRESH_TOKEN_EXPIRED',
    'REFRESH_TOKEN_UNKNOWN',
    'REFRESH_TOKEN_REUSED',
    'SESSION_REVOKED',
    'SUSPICIOUS_ACTIVITY',
  ])('%s signs out, once, and the 401 is passed on', async (code) => {
    const tab = await on.signedIn();
    on.server.refused.add((await tab.auth.getAccessToken()) ?? '');
    on.server.answer('/auth/refresh', refusal(code === 'SUSPICIOUS_ACTIVITY' ? 403 : 401, code));
    const answers = await Promise.all([tab.auth.fetch(orders()), tab.auth.fetch(orders())]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    expect(tab.signedOut).toEqual([code]);
    expect(statusOf(tab)).toBe('signed-out');
    await until(() => tab.host.timers.size === 0, 'no timer left');
  });

  it('a 401 with an endless body is passed on, and can be read', async () => {
    const { auth, host } = await on.signedIn();
    for (const type of ['text/event-stream', 'application/json']) {
      const body = new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('{')) });
      const endless = new Response(body, { status: 401, headers: { 'content-type': type } });
      const tab = on.browser.tab({
        fetch: async (input, init) =>
          (input as string).endsWith('/sse') ? endless : on.browser.jar.fetch(input, init),
      });
      await tab.auth.restore();
      const asked = tab.auth.fetch(`${on.server.origin}/api/sse`);
      if (type === 'application/json') await tab.host.passTimer(1000);
      const { value } = (await (await asked).body?.getReader().read()) ?? {};
      expect(new TextDecoder().decode(value)).toBe('{');
    }
    expect([auth.getState().status, host.now]).toEqual(['signed-in', FRESH_MS]);
  });

  it.each([undefined, { error: 'jwt expired' }])(
    'repeats after the bearer challenge of any API',
    async (json) => {
      const { auth } = await on.signedIn();
      on.server.answer('/api/orders', {
        status: 401,
        json,
        headers: {
          'www-authenticate': 'Bearer realm="x", error="invalid_token", error_description="expired"',
        },
      });
      expect((await auth.fetch(orders())).status).toBe(200);
      expect(on.server.count('/auth/refresh')).toBe(1);
    },
  );

  it('an API that refuses every token causes one refresh for each grace period', async () => {
    const tab = await on.signedIn();
    const no = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
    on.server.answer('/api/orders', ...Array<typeof no>(100).fill(no));
    for (let i = 0; i < 20; i++) expect((await tab.auth.fetch(orders())).status).toBe(401);
    expect([on.server.count('/auth/refresh'), on.server.count('/api/orders')]).toEqual([1, 21]);
    tab.host.sleep(FRESH_MS);
    for (let i = 0; i < 20; i++) await tab.auth.fetch(orders());
    expect(on.server.count('/auth/refresh')).toBe(2);
  });

  it('tokens that are revoked again and again cause four refreshes for each grace period', async () => {
    const tab = await on.signedIn();
    const no = refusal(401, 'ACCESS_TOKEN_REVOKED');
    on.server.answer('/api/orders', ...Array<typeof no>(100).fill(no));
    for (let i = 0; i < 20; i++) expect((await tab.auth.fetch(orders())).status).toBe(401);
    expect(on.server.count('/auth/refresh')).toBe(4);
  });

  it('a request that begins while a refused token is replaced waits for the new one', async () => {
    const { auth } = await on.signedIn();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const first = auth.fetch(orders(), { method: 'POST', body: 'one' });
    await arrived;
    const second = auth.fetch(orders(), { method: 'POST', body: 'two' });
    open();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect(
      on.server
        .to('/api/orders')
        .map(({ body }) => body)
        .sort(),
    ).toEqual(['one', 'one', 'two']);
  });
});
