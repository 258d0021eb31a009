import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  expectCookieCleared,
  expectError,
  newSession,
  PASSWORD,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { Service } from '../support/service.js';

const chrome = (version: number) =>
  `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0';

describe.each(['express', 'fastify'])('suspicious requests on %s', (HTTP_ADAPTER) => {
  describe('FINGERPRINT_MODE=enforce', () => {
    let service: Service;
    beforeAll(async () => {
      service = await Service.start({ HTTP_ADAPTER, FINGERPRINT_MODE: 'enforce', TRUST_PROXY: 'true' });
    });
    afterAll(() => service?.dispose());

    const from = (ip: string, userAgent = chrome(140)) =>
      service.api({ 'x-forwarded-for': ip, 'user-agent': userAgent });

    it('a browser that updates and roams stays logged in', async () => {
      let { refreshToken } = await newSession(from('203.0.113.9'));
      const uses = [
        ['198.51.100.7', chrome(140)],
        ['2001:db8:1:2::1', chrome(141)],
        ['100.64.3.2', chrome(142)],
      ] as const;
      for (const [ip, userAgent] of uses)
        ({ refreshToken } = sessionOf(await from(ip, userAgent).refresh(refreshToken)));
    });

    it('another browser is refused, the cookie cleared, and the session over for both', async () => {
      const api = from('203.0.113.9');
      const { refreshToken } = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
      const refused = await from('203.0.113.9', FIREFOX).refreshByCookie(refreshToken);
      expectError(refused, 403, 'SUSPICIOUS_ACTIVITY');
      expectCookieCleared(refused);
      expectError(await api.refreshByCookie(refreshToken), 401, 'SESSION_REVOKED');
    });
  });

  it('FINGERPRINT_FEATURES=address binds a session to its address', async () => {
    const service = await Service.start({
      HTTP_ADAPTER,
      FINGERPRINT_MODE: 'enforce',
      FINGERPRINT_FEATURES: 'address, user-agent',
      TRUST_PROXY: 'true',
    });
    try {
      const at = (ip: string) => service.api({ 'x-forwarded-for': ip });
      const { refreshToken } = await newSession(at('203.0.113.9'));
      const again = sessionOf(await at('203.0.113.9').refresh(refreshToken));
      expectError(await at('203.0.113.10').refresh(again.refreshToken), 403, 'SUSPICIOUS_ACTIVITY');
    } finally {
      await service.dispose();
    }
  });

  it('ANOMALY_ACTION=revoke-session ends the session of a thief with another browser and network', async () => {
    const service = await Service.start({
      HTTP_ADAPTER,
      ANOMALY_ACTION: 'revoke-session',
      FINGERPRINT_MODE: 'off',
      TRUST_PROXY: 'true',
    });
    try {
      const home = service.api({ 'x-forwarded-for': '203.0.113.9', 'user-agent': chrome(140) });
      let { refreshToken } = sessionOf(await home.register({ email: uniqueEmail(), password: PASSWORD }));
      for (let use = 0; use < 3; use += 1)
        ({ refreshToken } = sessionOf(await home.refreshByCookie(refreshToken)));
      const thief = service.api({ 'x-forwarded-for': '198.51.100.7', 'user-agent': 'curl/8.5.0' });
      const refused = await thief.refreshByCookie(refreshToken);
      expectError(refused, 403, 'SUSPICIOUS_ACTIVITY');
      expectCookieCleared(refused);
      expectError(await home.refreshByCookie(refreshToken), 401, 'SESSION_REVOKED');
      expect(service.output).toContain('unfamiliar_client');
    } finally {
      await service.dispose();
    }
  });

  it('ANOMALY_ACTION=revoke-user refuses a right password after many wrong ones, also the next time', async () => {
    const service = await Service.start({ HTTP_ADAPTER, ANOMALY_ACTION: 'revoke-user', THROTTLE: 'on' });
    try {
      const api = service.api();
      const { email, refreshToken } = await newSession(api);
      const wrong = { email, password: 'seven-Otters-cross-the-road' };
      for (let attempt = 0; attempt < 6; attempt += 1)
        expectError(await api.login(wrong), 401, 'INVALID_CREDENTIALS');
      for (let attempt = 0; attempt < 2; attempt += 1)
        expectError(await api.login({ email, password: PASSWORD }), 403, 'SUSPICIOUS_ACTIVITY');
      expectError(await api.refresh(refreshToken), 401, 'SESSION_REVOKED');
    } finally {
      await service.dispose();
    }
  });
});
