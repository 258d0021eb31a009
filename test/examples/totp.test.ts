import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { URI } from 'otpauth';
import { TotpLoginModule, TotpService } from '../../examples/totp/src/totp-login.module.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  type Answer,
  expectError,
  expectGuardRefusal,
  expectInvalidField,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  sessionOf,
} from '../support/http.js';
import { claimsOf } from '../support/tokens.js';

const STEP_MS = 30_000;
const WINDOW_MS = 15 * 60_000;

describe.each(ADAPTERS)('the example of a second factor, on %s', (adapter) => {
  let host: HostApp;
  let time = Date.now();

  beforeAll(async () => {
    const many = { limit: 1000, window: '1m' };
    const throttle = { login: many, accountFailures: many, failures: { limit: 3, window: '1h' } };
    host = await HostApp.start(adapter, { throttle }, { imports: [TotpLoginModule] });
    host.app.get(TotpService).now = () => time;
  });
  afterAll(() => host?.stop());

  const post = (path: string, body: object, session?: Session): Promise<Answer> =>
    host.api().post(path, body, session && { token: session.accessToken });
  const password = (email: string, given = PASSWORD) => post('/login/password', { email, password: given });
  const ticketOf = async (email: string): Promise<string> => (await password(email)).json.ticket;

  async function enrolled() {
    const session = await newSession(host.api());
    const { json } = await post('/totp/enrol', {}, session);
    const app = URI.parse(json.uri);
    /** A code of a step that was not used before. */
    const nextCode = (): string => {
      time += STEP_MS;
      return 'period' in app ? app.generate({ timestamp: time }) : '';
    };
    const wrongCode = () => nextCode().replaceAll(/\d/g, (digit) => String((Number(digit) + 1) % 10));
    const confirmed = await post('/totp/confirm', { code: nextCode() }, session);
    return { session, email: session.email, nextCode, wrongCode, confirmed, uri: String(json.uri) };
  }

  it('without a factor the password is enough', async () => {
    const { email } = await newSession(host.api());
    const answer = await password(email);
    expect(answer.status).toBe(200);
    expect(claimsOf(answer.json.accessToken)).toMatchObject({ amr: ['pwd'] });
    expect(answer.cookie()).toBeDefined();
  });

  it('with one, the session opens only after the code', async () => {
    const { session, email, nextCode, confirmed, uri } = await enrolled();
    expect(uri).toMatch(/^otpauth:\/\/totp\/Example:/);
    expect(claimsOf(confirmed.json.accessToken)).toMatchObject({ amr: ['pwd', 'otp'] });
    expect((await refreshed(host.api(), session)).id).toBe(session.id);

    const first = await password(email);
    expect(first.json).toEqual({ ticket: expect.stringMatching(/^[\w-]{43}$/) });
    expect(first.cookies).toEqual([]);
    expect((await host.api().sessions(session.accessToken)).json).toHaveLength(1);
    const second = await post('/login/totp', { ticket: first.json.ticket, code: nextCode() });
    expect(second.status).toBe(200);
    expect(claimsOf(second.json.accessToken)).toMatchObject({ amr: ['pwd', 'otp'] });
    expect(sessionOf(second).refreshToken).toBeDefined();
  });

  it('the library’s own login is closed', async () => {
    const { email } = await newSession(host.api());
    for (const path of ['/auth/login', '/auth/login/', '/AUTH/login', '/auth/%6Cogin'])
      expect((await post(path, { email, password: PASSWORD })).status).toBe(404);
  });

  it('a code is valid once, and so is a ticket', async () => {
    const { email, nextCode } = await enrolled();
    const [ticket, another] = [await ticketOf(email), await ticketOf(email)];
    const code = nextCode();
    const both = await Promise.all([
      post('/login/totp', { ticket, code }),
      post('/login/totp', { ticket: another, code }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    const left = both[0].status === 200 ? another : ticket;
    const used = left === ticket ? another : ticket;
    expectError(await post('/login/totp', { ticket: left, code }), 401, 'INVALID_CREDENTIALS');
    expectError(await post('/login/totp', { ticket: used, code: nextCode() }), 400, 'ACTION_TOKEN_INVALID');
    expect((await post('/login/totp', { ticket: left, code: nextCode() })).status).toBe(200);
  });

  it('wrong codes are limited for the account, whatever the ticket; later the right one works', async () => {
    const { email, nextCode, wrongCode } = await enrolled();
    for (let tries = 0; tries < 5; tries += 1)
      expectError(
        await post('/login/totp', { ticket: await ticketOf(email), code: wrongCode() }),
        401,
        'INVALID_CREDENTIALS',
      );
    const refused = await post('/login/totp', { ticket: await ticketOf(email), code: nextCode() });
    expectError(refused, 429, 'TOO_MANY_ATTEMPTS');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    time += WINDOW_MS;
    const later = await post('/login/totp', { ticket: await ticketOf(email), code: nextCode() });
    expect(later.status).toBe(200);
  });

  it('a ticket expires; an invalid ticket and an invalid code are refused', async () => {
    const { email, nextCode } = await enrolled();
    const ticket = await ticketOf(email);
    time += 5 * 60_000;
    expectError(await post('/login/totp', { ticket, code: nextCode() }), 400, 'ACTION_TOKEN_INVALID');
    const fresh = await ticketOf(email);
    for (const code of ['', 7, null, { $gt: '' }, ['000000']])
      expectInvalidField(await post('/login/totp', { ticket: fresh, code }), 'code');
    expectInvalidField(await post('/login/totp', { ticket: { $gt: '' }, code: nextCode() }), 'ticket');
    expectError(await post('/login/totp', { ticket: fresh, code: 'abcdef' }), 401, 'INVALID_CREDENTIALS');
  });

  it('wrong passwords are locked out as at the library’s own login', async () => {
    const { email } = await newSession(host.api());
    for (let tries = 0; tries < 3; tries += 1)
      expectError(await password(email, 'wrong-Otters-cross-the-river'), 401, 'INVALID_CREDENTIALS');
    expectError(await password(email), 429, 'TOO_MANY_ATTEMPTS');
  });

  it('a factor is not set up without a login, without its first code, or twice', async () => {
    expectGuardRefusal(await post('/totp/enrol', {}), 'ACCESS_TOKEN_MISSING');
    const pending = await newSession(host.api());
    expectError(await post('/totp/confirm', { code: '000000' }, pending), 404, 'NOT_FOUND');
    await post('/totp/enrol', {}, pending);
    expectError(await post('/totp/confirm', { code: 'no' }, pending), 401, 'INVALID_CREDENTIALS');
    expect((await password(pending.email)).status).toBe(200);
    const { session } = await enrolled();
    expectError(await post('/totp/enrol', {}, session), 403, 'FORBIDDEN');
  });
});
