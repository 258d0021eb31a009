import { deepStrictEqual, strictEqual } from 'node:assert';

/** A session over HTTP, from registration to logout, at a host that guards `/orders`. */
export async function liveThroughASession(origin) {
  let cookie = '';
  const send = async (method, path, { token, body } = {}) => {
    const headers = {
      ...(cookie && { cookie }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    };
    const response = await fetch(origin + path, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const given = response.headers.getSetCookie().find((each) => each.startsWith('refresh_token='));
    if (given) cookie = given.split(';')[0];
    return { status: response.status, json: text ? JSON.parse(text) : undefined, text };
  };
  const expect = (answer, status) => strictEqual(answer.status, status, `${answer.status} ${answer.text}`);

  strictEqual((await send('GET', '/orders')).json.code, 'ACCESS_TOKEN_MISSING');
  const body = { email: `ada-${Date.now()}@example.com`, password: 'correct horse battery staple' };
  const registered = await send('POST', '/auth/register', { body });
  expect(registered, 201);
  const orders = await send('GET', '/orders', { token: registered.json.accessToken });
  deepStrictEqual(orders.json, { ordersOf: registered.json.user.id });

  const refreshed = await send('POST', '/auth/refresh');
  expect(refreshed, 200);
  strictEqual(refreshed.json.session.generation, 1);
  const lastCookie = cookie;
  expect(await send('POST', '/auth/logout', { token: refreshed.json.accessToken }), 204);
  expect(await send('GET', '/orders', { token: refreshed.json.accessToken }), 401);
  cookie = lastCookie;
  const late = await send('POST', '/auth/refresh');
  expect(late, 401);
  strictEqual(late.json.code, 'SESSION_REVOKED');
}
