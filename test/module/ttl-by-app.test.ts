import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { newSession, PASSWORD, sessionOf } from '../support/http.js';

describe.each(ADAPTERS)('accessToken.ttlByApp, on %s', (adapter) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.start(adapter, { accessToken: { ttlByApp: { kiosk: '90s' } } });
  });
  afterAll(() => host.stop());

  it('a session keeps the lifetime of the application that began it, for every kind of token request', async () => {
    const api = host.api();
    const { email } = await newSession(api);
    const login = await api.login({ email, password: PASSWORD, transport: 'body', appId: 'kiosk' });
    expect(login.json.expiresIn).toBe(90);
    const refresh = await api.refresh(sessionOf(login).refreshToken);
    expect(refresh.json.expiresIn).toBe(90);
    const passwords = { currentPassword: PASSWORD, newPassword: 'four Larks above the lake' };
    const changed = await api.post('/auth/change-password', passwords, {
      token: refresh.json.accessToken,
    });
    expect(changed.json.expiresIn).toBe(90);
  });

  it.each([undefined, 'desk', '__proto__', 'constructor', ''])(
    'appId %j has the usual lifetime',
    async (appId) => {
      const api = host.api();
      const { email } = await newSession(api);
      const login = await api.login({ email, password: PASSWORD, transport: 'body', appId });
      expect([login.status, login.json.expiresIn]).toEqual([200, 900]);
    },
  );
});
