import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import {
  anotherSession,
  type Answer,
  type Api,
  Browser,
  type Call,
  COOKIE,
  expectAccessRevoked,
  expectCookieCleared,
  expectCookieLeftAlone,
  expectError,
  expectGuardRefusal,
  expectInvalidField,
  expectNoContent,
  expectNotStored,
  newSession,
  PASSWORD,
  refreshed,
  sessionOf,
  uniqueEmail,
  USER_AGENT,
} from '../support/http.js';
import { ACCESS_SECRET, AUDIENCE, ISSUER, REFRESH_SECRET, Service } from '../support/service.js';
import { claimsOf, expired, headerOf, resign } from '../support/tokens.js';

const TRUSTED = 'https://app.example.com';
const ALSO_TRUSTED = 'https://admin.example.com';
const ADMIN = { email: 'root@example.com', password: 'the-keeper-of-41-keys' };
const NEW_PASSWORD = 'nine-Herons-over-the-marsh';
const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const SEVEN_DAYS = 7 * 24 * 60 * 60;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

describe.each(['express', 'fastify'])('the HTTP contract on %s', (adapter) => {
  let service: Service;
  let api: Api;

  beforeAll(async () => {
    service = await Service.start({
      HTTP_ADAPTER: adapter,
      TRUSTED_ORIGINS: `${TRUSTED},${ALSO_TRUSTED}`,
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
    });
    api = service.api();
  });

  afterAll(() => service?.dispose());

  const credentials = (fields: object = {}) => ({ email: uniqueEmail(), password: PASSWORD, ...fields });

  /** A user whose refresh token travels in the cookie. */
  const cookieSession = async (fields: object = {}) => sessionOf(await api.register(credentials(fields)));

  const expectTokenAnswer = (answer: Answer, status: number, user: object, extra: object = {}): void => {
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({
      accessToken: expect.stringMatching(JWT),
      tokenType: 'Bearer',
      expiresIn: 900,
      user: { id: expect.stringMatching(/\S/), roles: ['user'], ...user },
      session: {
        id: expect.stringMatching(/\S/),
        generation: 0,
        expiresAt: expect.stringMatching(ISO_DATE),
      },
      ...extra,
    });
    expectNotStored(answer);
  };

  const expectRefreshCookie = (answer: Answer): string => {
    const cookie = answer.cookie();
    const { 'max-age': maxAge, expires: _, ...attributes } = cookie?.attributes ?? {};
    expect(attributes).toEqual({ httponly: '', samesite: 'Strict', path: '/' });
    expect(cookie?.value).toMatch(JWT);
    const token = cookie?.value ?? '';
    const { exp, iat } = claimsOf(token);
    expect(Math.abs(Number(maxAge) - (exp - iat))).toBeLessThanOrEqual(2);
    return token;
  };

  it.each([
    ['POST', '/auth/refresh/'],
    ['GET', '/auth/me/'],
    ['GET', '/AUTH/ME'],
    ['GET', '/docs-json/'],
    ['GET', '/health/live/'],
    ['GET', '/Health/live'],
    // Without a body and a type.
    ['QUERY', '/auth/login'],
  ])('does not serve %s %s: a path has one spelling', async (method, path) => {
    expectError(await service.api().send(method, path), 404, 'NOT_FOUND');
  });

  describe('POST /auth/register', () => {
    it('answers 201 with the access token in the body and the refresh token in the cookie only', async () => {
      const fields = credentials({ name: 'Ada' });
      const answer = await api.register(fields);
      expectTokenAnswer(answer, 201, { email: fields.email, name: 'Ada' });
      const refreshToken = expectRefreshCookie(answer);
      expect(answer.text).not.toContain(refreshToken);
      expect(answer.text).not.toContain(claimsOf(refreshToken).sec);
    });

    it('omits the name if none was given', async () => {
      const answer = await api.register(credentials());
      expect(Object.keys(answer.json.user).sort()).toEqual(['email', 'id', 'roles']);
    });

    it('answers with the refresh token in the body and no cookie if the body transport is requested', async () => {
      const fields = credentials({ transport: 'body' });
      const answer = await api.register(fields);
      const refresh = { refreshToken: expect.stringMatching(JWT), refreshExpiresIn: expect.any(Number) };
      expectTokenAnswer(answer, 201, { email: fields.email }, refresh);
      expect(Math.abs(answer.json.refreshExpiresIn - SEVEN_DAYS)).toBeLessThanOrEqual(2);
      expect(answer.cookies).toEqual([]);
    });

    it('accepts the cookie transport by name', async () => {
      expectRefreshCookie(await api.register(credentials({ transport: 'cookie' })));
    });

    it('trims, normalises (NFKC) and lowers the e-mail', async () => {
      const email = uniqueEmail('ada');
      const typed = ` \t${email.toUpperCase().replace('ADA', 'ＡＤＡ')} `;
      expect((await api.register(credentials({ email: typed }))).json.user.email).toBe(email);
    });

    it('refuses an e-mail that is taken, in any spelling', async () => {
      const { email } = await newSession(api);
      const fullWidth = email.replace('user', 'ｕｓｅｒ').replace('@', '＠');
      for (const same of [email, email.toUpperCase(), ` ${email} `, fullWidth]) {
        expectError(await api.register(credentials({ email: same })), 409, 'EMAIL_TAKEN');
      }
    });

    it('accepts every field at its maximum length', async () => {
      const local = uniqueEmail('a'.repeat(47)).split('@')[0] ?? '';
      const domain = `${'d'.repeat(63)}.${'e'.repeat(63)}.`;
      const email = `${local}@${domain}${'f'.repeat(254 - local.length - 1 - domain.length - 4)}.com`;
      expect(email).toHaveLength(254);
      const device = { appId: 'i'.repeat(128), deviceId: 'j'.repeat(128), deviceName: 'k'.repeat(128) };
      const answer = await api.register({
        email,
        password: 'p'.repeat(119) + 'assphrase',
        name: 'n'.repeat(100),
        ...device,
      });
      expectTokenAnswer(answer, 201, { email, name: 'n'.repeat(100) });
    });

    test.each<[string, object, string]>([
      ['no e-mail', { email: undefined }, 'email'],
      ['an e-mail of null', { email: null }, 'email'],
      ['an e-mail that is a number', { email: 7 }, 'email'],
      ['an e-mail that is a list', { email: ['a@example.com'] }, 'email'],
      ['an operator as e-mail', { email: { $gt: '' } }, 'email'],
      ['an e-mail without @', { email: 'nobody.example.com' }, 'email'],
      ['an empty e-mail', { email: '' }, 'email'],
      ['two e-mails in one', { email: 'a@example.com,b@example.com' }, 'email'],
      ['an e-mail with a line break', { email: 'a@example.com\r\nBcc: b@example.com' }, 'email'],
      ['an e-mail with a NUL', { email: 'a\u0000b@example.com' }, 'email'],
      [
        'an e-mail over 254 characters',
        { email: `${'a'.repeat(60)}@${'b.'.repeat(100)}example.com` },
        'email',
      ],
      ['no password', { password: undefined }, 'password'],
      ['a password of null', { password: null }, 'password'],
      ['a password that is a number', { password: 1234567890 }, 'password'],
      ['a password that is a list', { password: [PASSWORD] }, 'password'],
      ['an operator as password', { password: { $ne: '' } }, 'password'],
      ['a password over 128 characters', { password: 'x1'.repeat(64) + 'y' }, 'password'],
      ['a name that is a number', { name: 7 }, 'name'],
      ['an operator as name', { name: { $gt: '' } }, 'name'],
      ['a name over 100 characters', { name: 'n'.repeat(101) }, 'name'],
      ['an unknown transport', { transport: 'header' }, 'transport'],
      ['a transport that is no string', { transport: true }, 'transport'],
      ['an appId over 128 characters', { appId: 'i'.repeat(129) }, 'appId'],
      ['a deviceId over 128 characters', { deviceId: 'j'.repeat(129) }, 'deviceId'],
      ['a deviceName over 128 characters', { deviceName: 'k'.repeat(129) }, 'deviceName'],
      ['an operator as deviceName', { deviceName: { $set: 1 } }, 'deviceName'],
      ['roles of its own choice', { roles: ['admin'] }, 'roles'],
      ['a token version', { tokenVersion: 'x' }, 'tokenVersion'],
      ['an id', { _id: '000000000000000000000000' }, '_id'],
    ])('refuses %s', async (_, patch, field) => {
      expectInvalidField(await api.register({ ...credentials(), ...patch }), field);
    });

    it('names every invalid field at once', async () => {
      const answer = await api.register({ email: 7, password: 7, surprise: true });
      for (const field of ['email', 'password', 'surprise']) expectInvalidField(answer, field);
    });

    test.each([
      ['seven characters', 'xK4-vqz'],
      ['seven code points, though fourteen UTF-16 units', '🦦'.repeat(7)],
      ['12345678', '12345678'],
      ['password1', 'password1'],
      ['iloveyou', 'iloveyou'],
      ['qwertyuiop', 'qwertyuiop'],
    ])('calls a password weak: %s', async (_, password) => {
      expectError(await api.register(credentials({ password })), 400, 'WEAK_PASSWORD');
    });

    it('counts a password in code points, and asks for no composition', async () => {
      const passwords = ['🦦🦭🐙🦑🐡🐠🦐🦞', '🦦🦭'.repeat(40), 'mmmm oooo vvvv eeee'];
      for (const password of passwords) {
        const { email } = await newSession(api, { password });
        expect((await api.login({ email, password })).status).toBe(200);
      }
    });
  });

  describe('POST /auth/login', () => {
    it('answers 200 with a token answer and the cookie, in a new session each time', async () => {
      const { email, id } = await newSession(api);
      const first = await api.login({ email, password: PASSWORD });
      const second = await api.login({ email, password: PASSWORD });
      expectTokenAnswer(first, 200, { email });
      expectTokenAnswer(second, 200, { email });
      const tokens = [expectRefreshCookie(first), expectRefreshCookie(second)];
      expect(new Set(tokens.map((token) => claimsOf(token).sec)).size).toBe(2);
      expect(new Set([id, first.json.session.id, second.json.session.id]).size).toBe(3);
    });

    it('answers in the body if requested', async () => {
      const { email } = await newSession(api);
      const answer = await api.login({ email, password: PASSWORD, transport: 'body' });
      const refresh = { refreshToken: expect.stringMatching(JWT), refreshExpiresIn: expect.any(Number) };
      expectTokenAnswer(answer, 200, { email }, refresh);
      expect(answer.cookies).toEqual([]);
    });

    it('accepts the e-mail address in any spelling', async () => {
      const { email } = await newSession(api);
      const fullWidth = email.replace('user', 'ＵＳＥＲ');
      for (const same of [email.toUpperCase(), `\t${email} `, fullWidth]) {
        expect((await api.login({ email: same, password: PASSWORD })).status).toBe(200);
      }
    });

    it('gives the same answer to an unknown e-mail and to a wrong password', async () => {
      const { email } = await newSession(api);
      const wrong = await api.login({ email, password: `${PASSWORD}!` });
      const unknown = await api.login({ email: uniqueEmail(), password: PASSWORD });
      expectError(wrong, 401, 'INVALID_CREDENTIALS');
      expect(unknown.text).toBe(wrong.text);
      const volatile = ['date', 'x-request-id'];
      const names = (answer: Answer) =>
        Object.keys(answer.headers).filter((name) => !volatile.includes(name));
      expect(names(unknown).sort()).toEqual(names(wrong).sort());
      expectCookieLeftAlone(wrong);
    });

    it('does not reveal by the password policy that a short password cannot be right', async () => {
      const { email } = await newSession(api);
      expectError(await api.login({ email, password: 'x' }), 401, 'INVALID_CREDENTIALS');
    });

    it('reads a password beyond the 72 bytes of bcrypt', async () => {
      const start = 'a1b2c3d4'.repeat(9);
      expect(Buffer.byteLength(start)).toBe(72);
      const { email } = await newSession(api, { password: `${start}right` });
      expect((await api.login({ email, password: `${start}right` })).status).toBe(200);
      for (const password of [`${start}wrong`, start, `${start}right!`]) {
        expectError(await api.login({ email, password }), 401, 'INVALID_CREDENTIALS');
      }
    });

    it('accepts a password in any Unicode normal form, and keeps its case and spaces', async () => {
      const password = ' Žluťoučký ﬁsh ';
      const { email } = await newSession(api, { password });
      for (const same of [
        password.normalize('NFD'),
        password.normalize('NFKC'),
        password.normalize('NFKD'),
      ]) {
        expect((await api.login({ email, password: same })).status).toBe(200);
      }
      for (const other of [password.trim(), password.toLowerCase(), 'Zlutoucky fish']) {
        expectError(await api.login({ email, password: other }), 401, 'INVALID_CREDENTIALS');
      }
    });

    test.each<[string, object, string]>([
      ['no password', { password: undefined }, 'password'],
      ['an operator as password', { password: { $ne: '' } }, 'password'],
      ['an operator as e-mail', { email: { $regex: '.*' } }, 'email'],
      ['a password over 128 characters', { password: 'x'.repeat(129) }, 'password'],
      ['an unknown field', { remember: true }, 'remember'],
      ['a field of registration only', { name: 'Ada' }, 'name'],
      ['a deviceId over 128 characters', { deviceId: 'j'.repeat(129) }, 'deviceId'],
    ])('refuses %s', async (_, patch, field) => {
      const { email } = await newSession(api);
      expectInvalidField(await api.login({ email, password: PASSWORD, ...patch }), field);
    });

    it('knows the administrator of ADMIN_EMAIL and ADMIN_PASSWORD', async () => {
      const answer = await api.login(ADMIN);
      expect(answer.status).toBe(200);
      expect(answer.json.user.roles).toContain('admin');
    });
  });

  describe('the tokens', () => {
    it('are an access token of RFC 9068 …', async () => {
      const { accessToken, id, userId } = await newSession(api);
      expect(headerOf(accessToken)).toMatchObject({ typ: 'at+jwt', alg: expect.stringMatching(/^HS\d+$/) });
      const claims = claimsOf(accessToken);
      expect(claims).toMatchObject({ iss: ISSUER, sub: userId, sid: id, gen: 0, roles: ['user'] });
      for (const name of ['client_id', 'jti', 'ver']) expect(claims[name]).toMatch(/\S/);
      expect([claims.aud].flat()).toContain(AUDIENCE);
      expect(claims.exp - claims.iat).toBe(900);
      expect(Math.abs(claims.iat - Date.now() / 1000)).toBeLessThan(5);
    });

    it('… and a refresh token of its own type, audience and key, with 256 secret bits', async () => {
      const { accessToken, refreshToken, id, userId } = await newSession(api);
      expect(headerOf(refreshToken)).toMatchObject({ typ: 'rt+jwt' });
      const claims = claimsOf(refreshToken);
      expect(claims).toMatchObject({ iss: ISSUER, sub: userId, sid: id, gen: 0, jti: `${id}.0` });
      expect(Buffer.from(claims.sec, 'base64url')).toHaveLength(32);
      expect(claims.aud).toBeDefined();
      expect([claims.aud].flat()).not.toEqual([claimsOf(accessToken).aud].flat());
      expect(Math.abs(claims.exp - claims.iat - SEVEN_DAYS)).toBeLessThanOrEqual(1);
      expect(resign(refreshToken, REFRESH_SECRET)).toBe(refreshToken);
      expect(resign(accessToken, ACCESS_SECRET)).toBe(accessToken);
    });

    it('have the idle expiry that the answer names, and a later absolute one', async () => {
      const answer = await api.register(credentials({ transport: 'body' }));
      const { exp, abs, iat } = claimsOf(answer.json.refreshToken);
      const expiresAt = Date.parse(answer.json.session.expiresAt) / 1000;
      expect(Math.abs(expiresAt - exp)).toBeLessThanOrEqual(1);
      const absolute = abs > 1e11 ? abs / 1000 : abs;
      expect(Math.abs(absolute - iat - 30 * 24 * 60 * 60)).toBeLessThanOrEqual(2);
    });
  });

  describe('POST /auth/refresh', () => {
    it('rotates the cookie', async () => {
      const session = await cookieSession();
      const answer = await api.refreshByCookie(session.refreshToken);
      expectTokenAnswer(
        answer,
        200,
        { email: session.email },
        {
          session: { id: session.id, generation: 1, expiresAt: expect.stringMatching(ISO_DATE) },
        },
      );
      const next = expectRefreshCookie(answer);
      expect(claimsOf(next)).toMatchObject({ sid: session.id, gen: 1, jti: `${session.id}.1` });
      expect(claimsOf(next).sec).not.toBe(claimsOf(session.refreshToken).sec);
      expect(claimsOf(answer.json.accessToken)).toMatchObject({ sid: session.id, gen: 1 });
      expect(answer.text).not.toContain(next);
      expect((await api.me(answer.json.accessToken)).status).toBe(200);
    });

    it('rotates the token of the body, and answers with it there', async () => {
      const session = await newSession(api);
      const answer = await api.refresh(session.refreshToken);
      expectTokenAnswer(
        answer,
        200,
        { email: session.email },
        {
          session: { id: session.id, generation: 1, expiresAt: expect.stringMatching(ISO_DATE) },
          refreshToken: expect.stringMatching(JWT),
          refreshExpiresIn: expect.any(Number),
        },
      );
      expect(answer.cookies).toEqual([]);
      expect(claimsOf(answer.json.refreshToken).gen).toBe(1);
    });

    it('keeps a browser signed in with only its cookies', async () => {
      const browser = new Browser(service.origin);
      const { email } = sessionOf(await browser.register(credentials()));
      for (const generation of [1, 2, 3]) {
        const answer = await browser.post('/auth/refresh', generation === 2 ? {} : undefined);
        expect(answer.json.session.generation).toBe(generation);
      }
      expectNoContent(await browser.logout());
      expect([...browser.jar.keys()]).not.toContain(COOKIE);
      expectError(await browser.post('/auth/refresh'), 401, 'REFRESH_TOKEN_MISSING');
      expect((await browser.login({ email, password: PASSWORD })).status).toBe(200);
    });

    it('says that the token is missing, and sets nothing', async () => {
      for (const call of [{}, { body: {} }, { headers: { cookie: 'other=1' } }]) {
        const answer = await api.send('POST', '/auth/refresh', call);
        expectError(answer, 401, 'REFRESH_TOKEN_MISSING');
        expectCookieLeftAlone(answer);
      }
    });

    it('does not look for the token in the URL or among the bearer tokens', async () => {
      const { refreshToken } = await newSession(api);
      for (const [path, token] of [
        [`/auth/refresh?refreshToken=${refreshToken}`, undefined],
        [`/auth/refresh?refresh_token=${refreshToken}`, undefined],
        ['/auth/refresh', refreshToken],
      ] as const) {
        expectError(await api.send('POST', path, { token }), 401, 'REFRESH_TOKEN_MISSING');
      }
      expect((await api.refresh(refreshToken)).json.session.generation).toBe(1);
    });

    it('keeps a cookie that is not its own token', async () => {
      const answer = await api.refreshByCookie('nonsense');
      expectError(answer, 401, 'REFRESH_TOKEN_INVALID');
      expectCookieLeftAlone(answer);
    });

    it('keeps the cookie when the token in the body was refused', async () => {
      const { refreshToken } = await cookieSession();
      const answer = await api.refresh('nonsense', { refreshCookie: refreshToken });
      expectError(answer, 401, 'REFRESH_TOKEN_INVALID');
      expectCookieLeftAlone(answer);
      expect((await api.refreshByCookie(refreshToken)).json.session.generation).toBe(1);
    });

    it('reads the token in the body and not the cookie if both are sent', async () => {
      const inBody = await newSession(api);
      const inCookie = await cookieSession();
      const answer = await api.refresh(inBody.refreshToken, { refreshCookie: inCookie.refreshToken });
      expect(answer.json.session).toMatchObject({ id: inBody.id, generation: 1 });
      expect(answer.cookies).toEqual([]);
      const other = await api.refreshByCookie(inCookie.refreshToken);
      expect(other.json.session).toMatchObject({ id: inCookie.id, generation: 1 });
    });

    it('refuses the token of a cookie session in the body, so that a script gains nothing', async () => {
      const session = await cookieSession();
      const answer = await api.refresh(session.refreshToken);
      expectError(answer, 401, 'REFRESH_TOKEN_INVALID');
      expectCookieLeftAlone(answer);
      expect((await api.refreshByCookie(session.refreshToken)).json.session.generation).toBe(1);
    });

    it('refuses the token of a body session in the cookie', async () => {
      const session = await newSession(api);
      const answer = await api.refreshByCookie(session.refreshToken);
      expectError(answer, 401, 'REFRESH_TOKEN_INVALID');
      expectCookieLeftAlone(answer);
      expect((await refreshed(api, session)).id).toBe(session.id);
    });

    it('lets no request choose another transport than the session has', async () => {
      const session = await cookieSession();
      const answer = await api.post(
        '/auth/refresh',
        { transport: 'body' },
        { refreshCookie: session.refreshToken },
      );
      expectInvalidField(answer, 'transport');
      expect(answer.text).not.toContain('refreshToken');
    });

    test.each<[string, unknown]>([
      ['an operator', { $ne: null }],
      ['a number', 7],
      ['a list', ['x']],
      ['true', true],
    ])('refuses %s as refresh token', async (_, refreshToken) => {
      expectInvalidField(await api.post('/auth/refresh', { refreshToken }), 'refreshToken');
    });

    it('says that the token is expired, and clears the cookie', async () => {
      const session = await cookieSession();
      const answer = await api.refreshByCookie(expired(session.refreshToken, REFRESH_SECRET));
      expectError(answer, 401, 'REFRESH_TOKEN_EXPIRED');
      expectCookieCleared(answer);
    });

    it('says that the session is unknown if the store has none, and clears the cookie', async () => {
      const session = await cookieSession();
      const sid = swapLastCharacters(session.id);
      const stray = resign(session.refreshToken, REFRESH_SECRET, { claims: { sid, jti: `${sid}.0` } });
      const answer = await api.refreshByCookie(stray);
      expectError(answer, 401, 'REFRESH_TOKEN_UNKNOWN');
      expectCookieCleared(answer);
    });

    it('says that the session is revoked, and clears the cookie', async () => {
      const session = await cookieSession();
      await api.logout({ refreshCookie: session.refreshToken });
      const answer = await api.refreshByCookie(session.refreshToken);
      expectError(answer, 401, 'SESSION_REVOKED');
      expectCookieCleared(answer);
    });
  });

  describe('POST /auth/logout', () => {
    it('ends the session of the cookie, clears it, and invalidates the access token', async () => {
      const session = await cookieSession();
      const other = await anotherSession(api, session.email);
      const answer = await api.logout({ refreshCookie: session.refreshToken });
      expectNoContent(answer);
      expectCookieCleared(answer);
      expectError(await api.refreshByCookie(session.refreshToken), 401, 'SESSION_REVOKED');
      await expectAccessRevoked(api, session.accessToken);
      expect((await api.me(other.accessToken)).status).toBe(200);
      expect((await refreshed(api, other)).id).toBe(other.id);
    });

    it('ends the session of the token in the body', async () => {
      const session = await newSession(api);
      expectNoContent(await api.logout({ body: { refreshToken: session.refreshToken } }));
      expectError(await api.refresh(session.refreshToken), 401, 'SESSION_REVOKED');
      await expectAccessRevoked(api, session.accessToken);
    });

    it('ends the session of an access token, also of an expired one', async () => {
      for (const age of ['valid', 'expired']) {
        const session = await newSession(api);
        const { accessToken } = session;
        const token = age === 'valid' ? accessToken : expired(accessToken, ACCESS_SECRET);
        expectNoContent(await api.logout({ token }));
        expectError(await api.refresh(session.refreshToken), 401, 'SESSION_REVOKED');
        await expectAccessRevoked(api, accessToken);
      }
    });

    it('accepts any earlier refresh token of the session, and an expired one, without treating it as reuse', async () => {
      for (const age of ['earlier', 'expired']) {
        const first = await newSession(api);
        const other = await anotherSession(api, first.email);
        let last = first;
        for (let rotation = 0; rotation < 6; rotation += 1) last = await refreshed(api, last);
        const { refreshToken } = first;
        const token = age === 'earlier' ? refreshToken : expired(last.refreshToken, REFRESH_SECRET);
        expectNoContent(await api.logout({ body: { refreshToken: token } }));
        expectError(await api.refresh(last.refreshToken), 401, 'SESSION_REVOKED');
        await expectAccessRevoked(api, last.accessToken);
        expect((await refreshed(api, other)).id).toBe(other.id);
      }
    });

    it('ends both sessions if the refresh token and the access token belong to different ones', async () => {
      const one = await newSession(api);
      const two = await newSession(api);
      expectNoContent(await api.logout({ body: { refreshToken: one.refreshToken }, token: two.accessToken }));
      for (const session of [one, two]) {
        expectError(await api.refresh(session.refreshToken), 401, 'SESSION_REVOKED');
        await expectAccessRevoked(api, session.accessToken);
      }
    });

    it('answers 204 without any token, and a second time', async () => {
      expectNoContent(await api.logout());
      expectNoContent(await api.logout({ body: {} }));
      const session = await cookieSession();
      for (let time = 0; time < 2; time += 1) {
        const answer = await api.logout({ refreshCookie: session.refreshToken });
        expectNoContent(answer);
        expectCookieCleared(answer);
      }
    });

    it('refuses fields that it does not know, and operators', async () => {
      expectInvalidField(await api.logout({ body: { all: true } }), 'all');
      expectInvalidField(await api.logout({ body: { refreshToken: { $gt: '' } } }), 'refreshToken');
    });
  });

  describe('POST /auth/logout-all', () => {
    it('ends every session and every access token of the user, and of no other user', async () => {
      const one = await newSession(api);
      const two = sessionOf(await api.login({ email: one.email, password: PASSWORD }));
      const stranger = await newSession(api);
      expectNoContent(await api.send('POST', '/auth/logout-all', { token: two.accessToken }));
      expectError(await api.refresh(one.refreshToken), 401, 'SESSION_REVOKED');
      expectError(await api.refreshByCookie(two.refreshToken), 401, 'SESSION_REVOKED');
      await expectAccessRevoked(api, one.accessToken);
      await expectAccessRevoked(api, two.accessToken);
      expect((await api.me(stranger.accessToken)).status).toBe(200);
      const again = await anotherSession(api, one.email);
      expect((await api.sessions(again.accessToken)).json).toHaveLength(1);
      expect((await refreshed(api, again)).id).toBe(again.id);
    });
  });

  describe('GET /auth/me', () => {
    it('answers with the user, exactly', async () => {
      const named = await newSession(api, { name: 'Ada' });
      const answer = await api.me(named.accessToken);
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        id: named.userId,
        email: named.email,
        name: 'Ada',
        roles: ['user'],
        createdAt: expect.stringMatching(ISO_DATE),
      });
      expectNotStored(answer);
      const { accessToken } = await newSession(api);
      expect((await api.me(accessToken)).json).not.toHaveProperty('name');
    });

    it('accepts the scheme of the header in any case (RFC 9110)', async () => {
      const { accessToken } = await newSession(api);
      for (const scheme of ['bearer', 'BEARER']) {
        const answer = await api.send('GET', '/auth/me', {
          headers: { authorization: `${scheme} ${accessToken}` },
        });
        expect(answer.status).toBe(200);
      }
    });

    it('does not check the origin: no cookie is read', async () => {
      const { accessToken } = await newSession(api);
      const answer = await api.me(accessToken, { headers: { origin: 'https://elsewhere.example.net' } });
      expect(answer.status).toBe(200);
    });
  });

  describe('the guard', () => {
    const routes: [string, string][] = [
      ['GET', '/auth/me'],
      ['POST', '/auth/logout-all'],
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions'],
      ['DELETE', '/auth/sessions/000000000000000000000000'],
      ['POST', '/auth/change-password'],
      ['POST', '/auth/reauthenticate'],
      ['POST', '/auth/change-email'],
      ['DELETE', '/auth/me'],
    ];

    test.each(routes)(
      'of %s %s distinguishes a missing, an invalid and an expired token',
      async (method, path) => {
        const { accessToken } = await newSession(api);
        expectGuardRefusal(await api.send(method, path), 'ACCESS_TOKEN_MISSING');
        expectGuardRefusal(await api.send(method, path, { token: 'nonsense' }), 'ACCESS_TOKEN_INVALID');
        const token = expired(accessToken, ACCESS_SECRET);
        expectGuardRefusal(await api.send(method, path, { token }), 'ACCESS_TOKEN_EXPIRED');
      },
    );

    test.each(routes)('of %s %s refuses the token of an ended session', async (method, path) => {
      const { accessToken, refreshToken } = await newSession(api);
      await api.logout({ body: { refreshToken } });
      await expectAccessRevoked(api, accessToken);
      expectGuardRefusal(await api.send(method, path, { token: accessToken }), 'ACCESS_TOKEN_REVOKED');
    });

    it('accepts a token in the header only: never in the URL, the body or a cookie', async () => {
      const { accessToken } = await newSession(api);
      const tries: [string, string, Call][] = [
        ['GET', `/auth/me?access_token=${accessToken}`, {}],
        ['GET', `/auth/me?accessToken=${accessToken}&token=${accessToken}`, {}],
        ['POST', '/auth/logout-all', { body: { access_token: accessToken, accessToken } }],
        [
          'GET',
          '/auth/me',
          { headers: { cookie: `access_token=${accessToken}; refresh_token=${accessToken}` } },
        ],
        ['GET', '/auth/me', { headers: { authorization: `Basic ${accessToken}` } }],
      ];
      for (const [method, path, call] of tries) {
        expectGuardRefusal(await api.send(method, path, call), 'ACCESS_TOKEN_MISSING');
      }
    });

    it('refuses a refresh token', async () => {
      const { refreshToken } = await newSession(api);
      expectGuardRefusal(await api.me(refreshToken), 'ACCESS_TOKEN_INVALID');
    });
  });

  describe('GET /auth/sessions', () => {
    it('lists the live sessions of the user, the one used last first, with exactly the promised fields', async () => {
      const device = { appId: 'shop', deviceId: 'd-1', deviceName: 'Phone' };
      const phone = await newSession(api, device);
      const { email } = phone;
      const bare = await anotherSession(service.api({ 'user-agent': 'curl/8' }), email);
      const ended = await anotherSession(api, email);
      await api.logout({ body: { refreshToken: ended.refreshToken } });
      await newSession(api);
      const used = await refreshed(api, phone);
      const answer = await api.sessions(bare.accessToken);
      expect(answer.status).toBe(200);
      expectNotStored(answer);
      const dates = {
        createdAt: expect.stringMatching(ISO_DATE),
        lastUsedAt: expect.stringMatching(ISO_DATE),
        expiresAt: expect.stringMatching(ISO_DATE),
      };
      const { appId, deviceName } = device;
      expect(answer.json).toEqual([
        { id: used.id, current: false, deviceName, appId, userAgent: USER_AGENT, ip: '127.0.0.1', ...dates },
        { id: bare.id, current: true, userAgent: 'curl/8', ip: '127.0.0.1', ...dates },
      ]);
      const [first] = answer.json;
      expect(Date.parse(first.lastUsedAt)).toBeGreaterThan(Date.parse(first.createdAt));
      expect(Date.parse(first.expiresAt) - Date.parse(first.lastUsedAt)).toBe(SEVEN_DAYS * 1000);
    });

    it('keeps the order of use over several sessions', async () => {
      const one = await newSession(api);
      const two = await anotherSession(api, one.email);
      const three = await anotherSession(api, one.email);
      await refreshed(api, two);
      await refreshed(api, one);
      const { json } = await api.sessions(three.accessToken);
      expect(json.map((session: { id: string }) => session.id)).toEqual([one.id, two.id, three.id]);
    });

    it('ignores X-Forwarded-For, and keeps 256 characters of the user agent', async () => {
      const odd = service.api({ 'x-forwarded-for': '203.0.113.9', 'user-agent': 'u'.repeat(2_000) });
      const { accessToken } = await newSession(odd);
      const [session] = (await odd.sessions(accessToken)).json;
      expect(session.ip).toBe('127.0.0.1');
      expect(session.userAgent).toBe('u'.repeat(256));
    });
  });

  describe('DELETE /auth/sessions/:id', () => {
    it('ends one other session of the user', async () => {
      const one = await newSession(api);
      const two = await anotherSession(api, one.email);
      expectNoContent(await api.send('DELETE', `/auth/sessions/${two.id}`, { token: one.accessToken }));
      expectError(await api.refresh(two.refreshToken), 401, 'SESSION_REVOKED');
      await expectAccessRevoked(api, two.accessToken);
      expect((await api.sessions(one.accessToken)).json).toHaveLength(1);
      expect((await refreshed(api, one)).id).toBe(one.id);
    });

    it('ends the current session', async () => {
      const { id, accessToken, refreshToken } = await newSession(api);
      expectNoContent(await api.send('DELETE', `/auth/sessions/${id}`, { token: accessToken }));
      expectError(await api.refresh(refreshToken), 401, 'SESSION_REVOKED');
      await expectAccessRevoked(api, accessToken);
    });

    it("gives the same 404 for another user's, an unknown and a malformed id", async () => {
      const { accessToken } = await newSession(api);
      const victim = await newSession(api);
      const ids = [
        victim.id,
        swapLastCharacters(victim.id),
        'x',
        '0',
        '%00',
        '%24ne',
        '..%2F..%2Fme',
        '[object%20Object]',
        'a'.repeat(24),
        'a'.repeat(500),
      ];
      const answers = await Promise.all(
        ids.map((id) => api.send('DELETE', `/auth/sessions/${id}`, { token: accessToken })),
      );
      for (const answer of answers) expectError(answer, 404, 'NOT_FOUND');
      expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
      expect((await refreshed(api, victim)).id).toBe(victim.id);
      expect((await api.me(victim.accessToken)).status).toBe(200);
    });
  });

  describe('DELETE /auth/sessions', () => {
    it('ends all but the current one', async () => {
      const current = await newSession(api);
      const others = [await anotherSession(api, current.email), await anotherSession(api, current.email)];
      const stranger = await newSession(api);
      expectNoContent(await api.send('DELETE', '/auth/sessions', { token: current.accessToken }));
      for (const other of others) {
        expectError(await api.refresh(other.refreshToken), 401, 'SESSION_REVOKED');
        await expectAccessRevoked(api, other.accessToken);
      }
      const { json } = await api.sessions(current.accessToken);
      expect(json.map((session: { id: string }) => session.id)).toEqual([current.id]);
      expect((await refreshed(api, current)).id).toBe(current.id);
      expect((await refreshed(api, stranger)).id).toBe(stranger.id);
    });
  });

  describe('POST /auth/change-password', () => {
    const change = (token: string, body: object, call: Call = {}) =>
      api.post('/auth/change-password', body, { ...call, token });
    const right = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };

    it('gives a new session in place of this one, and ends everything older', async () => {
      const current = await newSession(api, { deviceName: 'Laptop', appId: 'shop' });
      const { email } = current;
      const other = await anotherSession(api, email);
      const answer = await change(current.accessToken, right);
      const refresh = { refreshToken: expect.stringMatching(JWT), refreshExpiresIn: expect.any(Number) };
      expectTokenAnswer(answer, 200, { email }, refresh);
      expect(answer.cookies).toEqual([]);
      const fresh = sessionOf(answer);
      expect([current.id, other.id]).not.toContain(fresh.id);
      for (const old of [current, other]) {
        expectError(await api.refresh(old.refreshToken), 401, 'SESSION_REVOKED');
        await expectAccessRevoked(api, old.accessToken);
      }
      const { json } = await api.sessions(fresh.accessToken);
      expect(json).toMatchObject([{ id: fresh.id, current: true, deviceName: 'Laptop', appId: 'shop' }]);
      expect((await refreshed(api, fresh)).id).toBe(fresh.id);
      expectError(await api.login({ email, password: PASSWORD }), 401, 'INVALID_CREDENTIALS');
      expect((await api.login({ email, password: NEW_PASSWORD })).status).toBe(200);
    });

    it('answers in the transport of the session: a cookie stays a cookie', async () => {
      const current = await cookieSession();
      const other = sessionOf(await api.login({ email: current.email, password: PASSWORD }));
      const answer = await change(current.accessToken, right);
      expectTokenAnswer(answer, 200, { email: current.email });
      const fresh = expectRefreshCookie(answer);
      const late = await api.refreshByCookie(current.refreshToken);
      expectError(late, 401, 'SESSION_REVOKED');
      expectCookieLeftAlone(late);
      const elsewhere = await api.refreshByCookie(other.refreshToken);
      expectError(elsewhere, 401, 'SESSION_REVOKED');
      expectCookieCleared(elsewhere);
      expect((await api.refreshByCookie(fresh)).json.session).toMatchObject({ generation: 1 });
    });

    it('changes nothing if the current password is wrong', async () => {
      const current = await newSession(api);
      const other = await anotherSession(api, current.email);
      const answer = await change(current.accessToken, { ...right, currentPassword: `${PASSWORD}!` });
      expectError(answer, 401, 'INVALID_CREDENTIALS');
      expect((await refreshed(api, other)).id).toBe(other.id);
      expect((await refreshed(api, current)).id).toBe(current.id);
      expect((await api.me(current.accessToken)).status).toBe(200);
      expect((await api.login({ email: current.email, password: PASSWORD })).status).toBe(200);
    });

    it('checks the new password against the policy', async () => {
      const { accessToken, email } = await newSession(api);
      for (const newPassword of ['short-1', 'password1']) {
        expectError(await change(accessToken, { ...right, newPassword }), 400, 'WEAK_PASSWORD');
      }
      expect((await api.login({ email, password: PASSWORD })).status).toBe(200);
    });

    test.each<[string, object, string]>([
      ['no current password', { currentPassword: undefined }, 'currentPassword'],
      ['no new password', { newPassword: undefined }, 'newPassword'],
      ['an operator as current password', { currentPassword: { $gt: '' } }, 'currentPassword'],
      ['an operator as new password', { newPassword: { $set: 'x' } }, 'newPassword'],
      ['a new password over 128 characters', { newPassword: 'x1'.repeat(65) }, 'newPassword'],
      ['another transport', { transport: 'body' }, 'transport'],
      ["another user's id", { userId: '000000000000000000000000' }, 'userId'],
    ])('refuses %s', async (_, patch, field) => {
      const { accessToken } = await newSession(api);
      expectInvalidField(await change(accessToken, { ...right, ...patch }), field);
    });
  });

  describe('public routes', () => {
    it('publishes an empty key set if the keys are secrets, and allows caching', async () => {
      const answer = await api.send('GET', '/.well-known/jwks.json');
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({ keys: [] });
      expect(answer.headers['cache-control']).toContain('max-age=300');
    });

    test.each(['/health/live', '/health/ready'])('answers %s', async (path) => {
      expect((await api.send('GET', path)).status).toBe(200);
    });
  });

  describe('the body of a request', () => {
    const routes = [
      '/auth/register',
      '/auth/login',
      '/auth/refresh',
      '/auth/logout',
      '/auth/change-password',
    ] as const;

    describe.each(routes)('of %s', (path) => {
      // With tokens of both kinds, because guards run before validation.
      let tokens: Call;
      beforeAll(async () => {
        const { accessToken: token, refreshToken: refreshCookie } = await cookieSession();
        tokens = { token, refreshCookie };
      });

      test.each([
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/xml',
        'application/json-patch+json',
        'nonsense',
      ])('is refused as %s', async (type) => {
        const raw = type.includes('urlencoded') ? 'email=a%40example.com&password=x' : '{}';
        const answer = await api.send('POST', path, { ...tokens, raw, headers: { 'content-type': type } });
        expectError(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
        expectCookieLeftAlone(answer);
      });

      test.each(['{"email":', 'nonsense', "{'email':1}", '{} {}', '{"a":1,}'])(
        'is refused as malformed: %s',
        async (raw) => {
          expectError(await api.send('POST', path, { ...tokens, raw }), 400, 'MALFORMED_REQUEST');
        },
      );

      it('is refused if it is JSON, but not an object', async () => {
        expectError(await api.send('POST', path, { ...tokens, raw: '[]' }), 400, 'VALIDATION_FAILED');
        for (const raw of ['null', '"text"', '7', 'true']) {
          const answer = await api.send('POST', path, { ...tokens, raw });
          expect(answer.status).toBe(400);
          expectError(answer, 400, answer.json.code);
          expect(['VALIDATION_FAILED', 'MALFORMED_REQUEST']).toContain(answer.json.code);
        }
      });

      it('is refused over 16 kB, and not below', async () => {
        const over = await api.send('POST', path, { ...tokens, body: { filler: 'x'.repeat(20_000) } });
        expectError(over, 413, 'PAYLOAD_TOO_LARGE');
        expectInvalidField(
          await api.send('POST', path, { ...tokens, body: { filler: 'x'.repeat(15_000) } }),
          'filler',
        );
      });

      it('is accepted as JSON with a charset', async () => {
        const headers = { 'content-type': 'application/json; charset=utf-8' };
        expectInvalidField(
          await api.send('POST', path, { ...tokens, raw: '{"filler":1}', headers }),
          'filler',
        );
      });
    });
  });

  it.each(['{"email":', '[]', JSON.stringify({ filler: 'x'.repeat(20_000) })])(
    'ignores a body of a GET: %.20s',
    async (raw) => {
      const { accessToken } = await cookieSession();
      // Node's client does not frame the body of a GET by itself.
      const headers = { 'content-length': String(raw.length) };
      expect((await api.send('GET', '/auth/me', { token: accessToken, raw, headers })).status).toBe(200);
    },
  );

  describe('requests from other sites', () => {
    /** The routes that read or set the refresh cookie; each call would succeed without the headers. */
    const calls: Record<string, (headers: Record<string, string>) => Promise<Answer>> = {
      register: (headers) => api.register(credentials(), { headers }),
      login: async (headers) => {
        const { email } = await cookieSession();
        return api.login({ email, password: PASSWORD }, { headers });
      },
      refresh: async (headers) => {
        const { refreshToken } = await cookieSession();
        const answer = await api.refreshByCookie(refreshToken, { headers });
        const after = await api.refreshByCookie(refreshToken);
        expect(after.json.session.generation).toBe(1);
        return answer;
      },
      logout: async (headers) => {
        const { refreshToken } = await cookieSession();
        const answer = await api.logout({ refreshCookie: refreshToken, headers });
        const after = await api.refreshByCookie(refreshToken);
        expect(after.status).toBe(answer.status === 204 ? 401 : 200);
        return answer;
      },
      'change-password': async (headers) => {
        const { accessToken: token } = await cookieSession();
        const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
        return api.post('/auth/change-password', body, { token, headers });
      },
    };

    const strangers: [string, Record<string, string>][] = [
      ['a strange origin', { origin: 'https://evil.example.net' }],
      ['an opaque origin', { origin: 'null' }],
      ['a foreign origin that the user typed', sent('https://evil.example.net', 'none')],
      ['a foreign origin on the same site', sent('https://forum.example.com', 'same-site')],
      ['cross-site without an origin', { 'sec-fetch-site': 'cross-site' }],
      ['same-site without an origin', { 'sec-fetch-site': 'same-site' }],
    ];

    describe.each(Object.keys(calls))('to %s', (name) => {
      test.each(strangers)('are refused: %s', async (_, headers) => {
        const answer = await calls[name]?.(headers);
        if (answer === undefined) throw new Error('no such call');
        expectError(answer, 403, 'CROSS_SITE_REQUEST');
        expectCookieLeftAlone(answer);
      });

      it("pass if they are from the service's own origin or a trusted one", async () => {
        const own = service.origin;
        for (const headers of [
          sent(own, 'same-origin'),
          // A proxy wrote another host, so only the browser knows.
          sent('https://front.example.net', 'same-origin'),
          sent(ISSUER, 'same-origin'),
          { origin: ISSUER },
          { origin: own },
          { 'sec-fetch-site': 'same-origin' },
          { 'sec-fetch-site': 'none' },
          sent(TRUSTED, 'same-site'),
          { origin: ALSO_TRUSTED },
        ]) {
          expect((await calls[name]?.(headers))?.status).toBeLessThan(300);
        }
      });
    });

    test.each([
      'https://app.example.com.evil.example.net',
      'https://app.example.com@evil.example.net',
      'https://evil.example.net/?https://app.example.com',
      'https://evilapp.example.com',
      'http://app.example.com',
      'https://app.example.com:8443',
      'app.example.com',
      'file://',
      '%00',
    ])('are not mistaken for a trusted one: %s', async (origin) => {
      expectError(await api.register(credentials(), { headers: { origin } }), 403, 'CROSS_SITE_REQUEST');
    });

    it('a similar origin is not mistaken for the own one: %s', async () => {
      for (const origin of [`${service.origin}0`, `${service.origin}.example.net`, 'http://127.0.0.1']) {
        expectError(await api.register(credentials(), { headers: { origin } }), 403, 'CROSS_SITE_REQUEST');
      }
    });

    it('get CORS headers with credentials if the origin is trusted, and none otherwise', async () => {
      const preflight = (origin: string, method = 'POST', path = '/auth/login') =>
        api.send('OPTIONS', path, {
          headers: {
            origin,
            'access-control-request-method': method,
            'access-control-request-headers': 'content-type,authorization,dpop',
          },
        });
      const trusted = await preflight(TRUSTED);
      expect(trusted.status).toBeLessThan(300);
      expect(trusted.headers['access-control-allow-origin']).toBe(TRUSTED);
      expect(trusted.headers['access-control-allow-credentials']).toBe('true');
      expect(trusted.headers['access-control-allow-headers']).toMatch(/\bdpop\b/i);
      for (const [method, path] of [
        ['PUT', `/auth/admin/users/${'0'.repeat(24)}/roles`],
        ['DELETE', '/auth/me'],
      ] as const) {
        const { headers } = await preflight(TRUSTED, method, path);
        expect(headers['access-control-allow-methods']?.split(/,\s*/)).toContain(method);
      }
      const strange = await preflight('https://evil.example.net');
      expect(strange.headers['access-control-allow-origin']).toBeUndefined();
      const actual = await api.register(credentials(), { headers: { origin: TRUSTED } });
      expect(actual.headers['access-control-allow-origin']).toBe(TRUSTED);
      expect(actual.headers['access-control-expose-headers']).toContain('DPoP-Nonce');
    });
  });

  describe('the order of the checks', () => {
    const evil = { origin: 'https://evil.example.net' };

    it('is: content type before cross-site', async () => {
      const headers = { ...evil, 'content-type': 'text/plain' };
      expectError(
        await api.send('POST', '/auth/login', { raw: '{}', headers }),
        415,
        'UNSUPPORTED_MEDIA_TYPE',
      );
    });

    it('is: cross-site before validation', async () => {
      const answer = await api.login({ nonsense: true }, { headers: evil });
      expectError(answer, 403, 'CROSS_SITE_REQUEST');
    });

    it('is: content type and cross-site before the guard', async () => {
      const path = '/auth/change-password';
      const plain = { raw: '{}', headers: { 'content-type': 'text/plain' } };
      expectError(await api.send('POST', path, plain), 415, 'UNSUPPORTED_MEDIA_TYPE');
      expectError(await api.post(path, {}, { headers: evil }), 403, 'CROSS_SITE_REQUEST');
    });

    it('is: the guard before validation', async () => {
      const answer = await api.post('/auth/change-password', { nonsense: true });
      expectGuardRefusal(answer, 'ACCESS_TOKEN_MISSING');
    });
  });
});

describe.each(['express', 'fastify'])(
  'with COOKIE_SECURE and without the body transport, on %s',
  (adapter) => {
    let service: Service;
    let api: Api;
    const HOST_COOKIE = `__Host-${COOKIE}`;

    beforeAll(async () => {
      service = await Service.start({
        HTTP_ADAPTER: adapter,
        COOKIE_SECURE: 'true',
        ALLOW_BODY_TRANSPORT: 'false',
      });
      api = service.api();
    });

    afterAll(() => service?.dispose());

    const register = () => api.register({ email: uniqueEmail(), password: PASSWORD });
    const refreshWith = (cookie: string) => api.send('POST', '/auth/refresh', { headers: { cookie } });

    it('binds the cookie to the host: __Host-, Secure, the whole path, no domain', async () => {
      const answer = await register();
      const { 'max-age': maxAge, expires: _, ...attributes } = answer.cookie(HOST_COOKIE)?.attributes ?? {};
      expect(attributes).toEqual({ httponly: '', secure: '', samesite: 'Strict', path: '/' });
      expect(Math.abs(Number(maxAge) - SEVEN_DAYS)).toBeLessThanOrEqual(2);
      expect(answer.cookie(COOKIE)).toBeUndefined();
    });

    it('rotates and clears the cookie by that name, with the attributes that a browser asks for', async () => {
      const { refreshToken } = sessionOf(await register());
      const next = await refreshWith(`${HOST_COOKIE}=${refreshToken}`);
      expect(next.json.session.generation).toBe(1);
      const cookie = `${HOST_COOKIE}=${next.cookie(HOST_COOKIE)?.value}`;
      const cleared = await api.logout({ headers: { cookie } });
      expectNoContent(cleared);
      expectCookieCleared(cleared, HOST_COOKIE);
      expect(cleared.cookie(HOST_COOKIE)?.attributes).toHaveProperty('secure');
      const refused = await refreshWith(cookie);
      expectError(refused, 401, 'SESSION_REVOKED');
      expectCookieCleared(refused, HOST_COOKIE);
    });

    it('ignores a cookie that a neighbouring host could have set under a plain name', async () => {
      const { refreshToken } = sessionOf(await register());
      for (const name of [COOKIE, `__Secure-${COOKIE}`, `__host-${COOKIE}`]) {
        expectError(await refreshWith(`${name}=${refreshToken}`), 401, 'REFRESH_TOKEN_MISSING');
      }
      const both = await refreshWith(`${COOKIE}=planted; ${HOST_COOKIE}=${refreshToken}`);
      expect(both.json.session.generation).toBe(1);
    });

    it('refuses the body transport, at registration and at login', async () => {
      const fields = { email: uniqueEmail(), password: PASSWORD, transport: 'body' };
      expectInvalidField(await api.register(fields), 'transport');
      const { email } = sessionOf(await register());
      expectInvalidField(await api.login({ ...fields, email }), 'transport');
    });

    it('refuses the token of the cookie in the body', async () => {
      const { refreshToken } = sessionOf(await register());
      const answer = await api.refresh(refreshToken);
      expectError(answer, 401, 'REFRESH_TOKEN_INVALID');
      expect((await refreshWith(`${HOST_COOKIE}=${refreshToken}`)).status).toBe(200);
    });
  },
);

describe('with a cookie for a domain and other sites', () => {
  let service: Service;

  beforeAll(async () => {
    service = await Service.start({
      COOKIE_SECURE: 'true',
      COOKIE_DOMAIN: 'example.com',
      COOKIE_SAMESITE: 'none',
      TRUSTED_ORIGINS: TRUSTED,
    });
  });

  afterAll(() => service?.dispose());

  it('names the cookie __Secure-, with its domain, and accepts a trusted origin of another site', async () => {
    const headers = sent(TRUSTED, 'cross-site');
    const fields = { email: uniqueEmail(), password: PASSWORD };
    const answer = await service.api().register(fields, { headers });
    expect(answer.status).toBe(201);
    const cookie = answer.cookie(`__Secure-${COOKIE}`);
    expect(cookie?.attributes).toMatchObject({ secure: '', httponly: '', path: '/' });
    expect(cookie?.attributes.samesite?.toLowerCase()).toBe('none');
    expect(cookie?.attributes.domain).toMatch(/^\.?example\.com$/);
    const planted = { cookie: `__Secure-${COOKIE}=${cookie?.value}`, ...headers };
    const cleared = await service.api().send('POST', '/auth/logout', { headers: planted });
    expectCookieCleared(cleared, `__Secure-${COOKIE}`);
    expect(cleared.cookie(`__Secure-${COOKIE}`)?.attributes.domain).toBe(cookie?.attributes.domain);
  });
});

describe('the reference service at boot', () => {
  it('refuses production without a database and keys, and names each missing setting at once', async () => {
    const { exitCode, output } = await Service.refusal({
      NODE_ENV: 'production',
      MONGODB_URI: undefined,
      JWT_ACCESS_KEYS: undefined,
      JWT_REFRESH_KEYS: undefined,
      BCRYPT_COST: undefined,
    });
    expect(exitCode).toBeGreaterThan(0);
    for (const name of ['MONGODB_URI', 'JWT_ACCESS_KEYS', 'JWT_REFRESH_KEYS']) expect(output).toContain(name);
  });

  test.each<[string, Record<string, string>, string]>([
    ['an unknown adapter', { HTTP_ADAPTER: 'koa' }, 'HTTP_ADAPTER'],
    ['an invalid port', { PORT: 'eighty' }, 'PORT'],
    ['an invalid duration', { ACCESS_TOKEN_TTL: 'soon' }, 'ACCESS_TOKEN_TTL'],
    ['a bcrypt cost that never returns', { BCRYPT_COST: '40' }, 'BCRYPT_COST'],
    ['a short secret', { JWT_REFRESH_KEYS: 'x7Kp2' }, 'JWT_REFRESH_KEYS'],
    ['equal keys for both kinds', { JWT_ACCESS_KEYS: REFRESH_SECRET }, 'KEYS'],
  ])('refuses %s, and does not print a secret', async (_, settings, name) => {
    const { exitCode, output } = await Service.refusal(settings);
    expect(exitCode).toBeGreaterThan(0);
    expect(output).toContain(name);
    for (const secret of [ACCESS_SECRET, REFRESH_SECRET, 'x7Kp2']) expect(output).not.toContain(secret);
  });
});

function sent(origin: string, site: string): Record<string, string> {
  return { origin, 'sec-fetch-site': site };
}

/** Another id of the same form. */
function swapLastCharacters(id: string): string {
  const swapped = id.slice(0, -4) + [...id.slice(-4)].map((c) => (c === '0' ? '1' : '0')).join('');
  return swapped === id ? `${id.slice(0, -1)}1` : swapped;
}
