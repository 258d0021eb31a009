import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from '@jest/globals';
import { untilConfirmed } from '../support/confirmation.js';
import {
  anotherSession,
  type Answer,
  type Api,
  type Call,
  COOKIE,
  expectAccessRevoked,
  expectCookieLeftAlone,
  expectError,
  expectGuardRefusal,
  expectNothingLeaks,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { ACCESS_SECRET, HELD_CLOCK, REFRESH_SECRET, Service } from '../support/service.js';
import { MailCatcher } from '../support/smtp-server.js';
import {
  claimsOf,
  encode,
  headerOf,
  type Part,
  resign,
  sign,
  signatureOf,
  signInput,
  signRsa,
} from '../support/tokens.js';

const { privateKey: rsaKey, publicKey: rsaPublicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const attackerKey = generateKeyPairSync('rsa', { modulusLength: 2048 });
const OTHER_SECRET = randomBytes(36).toString('base64url');

/** What an attacker has: a valid token and, in the last group, also the signing key. */
interface Loot {
  token: string;
  /** A token of the other kind, of the same session. */
  otherKind: string;
  secret: string;
  otherKindsSecret: string;
}

const withHeader = (token: string, header: Part, secret: string | Buffer = OTHER_SECRET): string =>
  sign({ ...headerOf(token), ...header }, claimsOf(token), secret, 'HS256');

const unsigned = (token: string, alg: string, signature = ''): string =>
  `${encode({ ...headerOf(token), alg })}.${encode(claimsOf(token))}.${signature}`;

const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

/** A different text that decodes to the same bytes: it sets the unused bits of the last character. */
function nonCanonical(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(token.at(-1) ?? '');
  return token.slice(0, -1) + alphabet[last ^ 1];
}

const base64 = (text: string): string => Buffer.from(text).toString('base64url');
const payloadPart = (token: string): string => token.split('.')[1] ?? '';
const headerPart = (token: string): string => token.split('.')[0] ?? '';
const attackerJwk = attackerKey.publicKey.export({ format: 'jwk' });

/** Each makes a token, access or refresh, that must be refused as invalid. */
const FORGERIES: Record<string, (loot: Loot) => string> = {
  'alg none': ({ token }) => unsigned(token, 'none'),
  'alg None': ({ token }) => unsigned(token, 'None'),
  'alg NONE': ({ token }) => unsigned(token, 'NONE'),
  'alg nOnE with the old signature': ({ token }) => unsigned(token, 'nOnE', signatureOf(token)),
  'no alg': ({ token }) => `${encode({ typ: headerOf(token).typ })}.${payloadPart(token)}.`,
  'an empty alg': ({ token }) => withHeader(token, { alg: '' }),
  'a list as alg': ({ token }) => withHeader(token, { alg: ['HS256'] }),
  'alg in lower case': ({ token }) => withHeader(token, { alg: 'hs256' }),
  "a stranger's key": ({ token }) => resign(token, OTHER_SECRET),
  'an empty key': ({ token }) => resign(token, ''),
  'a key of zeros': ({ token }) => resign(token, Buffer.alloc(32)),
  'the key of the other kind': ({ token, otherKindsSecret }) => resign(token, otherKindsSecret),
  'the token of the other kind': ({ otherKind }) => otherKind,
  'the token of the other kind, with its typ changed': ({ token, otherKind, otherKindsSecret }) =>
    resign(otherKind, otherKindsSecret, { header: { typ: headerOf(token).typ, kid: headerOf(token).kid } }),
  'changed claims under the old signature': ({ token }) =>
    `${headerPart(token)}.${encode({ ...claimsOf(token), roles: ['admin'] })}.${signatureOf(token)}`,
  'RS256, signed by an attacker, with their key as jwk': ({ token }) =>
    signRsa({ ...headerOf(token), alg: 'RS256', jwk: attackerJwk }, claimsOf(token), attackerKey.privateKey),
  'RS256, signed by an attacker, with their key set as jku': ({ token }) =>
    signRsa(
      { ...headerOf(token), alg: 'RS256', jku: 'http://127.0.0.1:1/jwks.json' },
      claimsOf(token),
      attackerKey.privateKey,
    ),
  'RS256, signed by an attacker, with their certificate as x5u and x5c': ({ token }) =>
    signRsa(
      { ...headerOf(token), alg: 'RS256', x5u: 'http://127.0.0.1:1/cert.pem', x5c: ['AAAA'] },
      claimsOf(token),
      attackerKey.privateKey,
    ),
  'the attacker’s secret as an oct jwk': ({ token }) =>
    withHeader(token, { jwk: { kty: 'oct', k: base64(OTHER_SECRET), alg: 'HS256' } }),
  'a kid that is a path': ({ token }) => withHeader(token, { kid: '../../../../dev/null' }, ''),
  'a kid that is a query': ({ token }) => withHeader(token, { kid: "x' UNION SELECT 'key" }, 'key'),
  'a kid of __proto__': ({ token }) => withHeader(token, { kid: '__proto__' }, ''),
  '"constructor" as kid': ({ token }) =>
    withHeader(token, { kid: 'constructor' }, 'function Object() { [native code] }'),
  'a kid that is an object': ({ token }) => withHeader(token, { kid: { $ne: null } }),
  'a kid that is a list': ({ token }) => withHeader(token, { kid: [headerOf(token).kid] }),
  'a kid that is a number': ({ token }) => withHeader(token, { kid: 0 }),
  'an empty kid': ({ token }) => withHeader(token, { kid: '' }, ''),
  'a very long kid': ({ token }) => withHeader(token, { kid: 'k'.repeat(4_000) }),
  'no kid': ({ token }) => withHeader(token, { kid: undefined }),
  'a header with __proto__': ({ token }) =>
    `${base64('{"__proto__":{"alg":"none"},"alg":"none"}')}.${payloadPart(token)}.`,
  'two algs in one header': ({ token }) =>
    `${base64('{"alg":"HS256","typ":"at+jwt","alg":"none"}')}.${payloadPart(token)}.`,
  'a header that is not JSON': ({ token }) =>
    `${base64('nonsense')}.${payloadPart(token)}.${signatureOf(token)}`,
  'a header that is null': ({ token }) => `${base64('null')}.${payloadPart(token)}.${signatureOf(token)}`,
  'a header that is a list': ({ token }) => `${base64('[]')}.${payloadPart(token)}.${signatureOf(token)}`,
  'a deep header': ({ token }) => signInput(`${base64(deep(800))}.${payloadPart(token)}`, OTHER_SECRET),
  'deep claims': ({ token }) => signInput(`${headerPart(token)}.${base64(deep(800))}`, OTHER_SECRET),
  'no signature': ({ token }) => `${headerPart(token)}.${payloadPart(token)}.`,
  'two parts': ({ token }) => `${headerPart(token)}.${payloadPart(token)}`,
  'one part': ({ token }) => headerPart(token),
  'the signature twice': ({ token }) => `${token}.${signatureOf(token)}`,
  'five parts, like an encrypted token': ({ token }) =>
    `${token}.${signatureOf(token)}.${signatureOf(token)}`,
  'a dot at the end': ({ token }) => `${token}.`,
  'a dot at the start': ({ token }) => `.${token}`,
  'dots only': () => '..',
  'one byte short': ({ token }) => token.slice(0, -1),
  'half of it': ({ token }) => token.slice(0, token.length / 2),
  'a short signature': ({ token }) =>
    `${headerPart(token)}.${payloadPart(token)}.${signatureOf(token).slice(0, 8)}`,
  'a signature in non-canonical base64': ({ token }) => nonCanonical(token),
  'a padded signature': ({ token }) => `${token}=`,
  'a signature in another case': ({ token }) =>
    `${headerPart(token)}.${payloadPart(token)}.${signatureOf(token).toUpperCase()}`,
  'a huge token': ({ token }) => `${headerPart(token)}.${'A'.repeat(9_000)}.${signatureOf(token)}`,
  'eight thousand dots': () => '.'.repeat(8_000),
  'JSON instead of a token': ({ token }) =>
    JSON.stringify({ protected: headerPart(token), payload: payloadPart(token) }),
};

/** Each is signed with the right key: a careless verifier would accept it from another service with the same keys. */
const MISUSES: Record<string, (loot: Loot) => string> = {
  'another algorithm, HS512': ({ token, secret }) => resign(token, secret, { header: { alg: 'HS512' } }),
  'another algorithm, HS384': ({ token, secret }) => resign(token, secret, { header: { alg: 'HS384' } }),
  'alg RS256 over an HMAC': ({ token, secret }) =>
    sign({ ...headerOf(token), alg: 'RS256' }, claimsOf(token), secret, 'HS256'),
  'typ JWT': ({ token, secret }) => resign(token, secret, { header: { typ: 'JWT' } }),
  'no typ': ({ token, secret }) => resign(token, secret, { header: { typ: undefined } }),
  'the typ of the other kind': ({ token, otherKind, secret }) =>
    resign(token, secret, { header: { typ: headerOf(otherKind).typ } }),
  'the audience of the other kind': ({ token, otherKind, secret }) =>
    resign(token, secret, { claims: { aud: claimsOf(otherKind).aud } }),
  'another audience': ({ token, secret }) =>
    resign(token, secret, { claims: { aud: 'https://other.example.net' } }),
  'no audience': ({ token, secret }) => resign(token, secret, { claims: { aud: undefined } }),
  'an audience that is an object': ({ token, secret }) =>
    resign(token, secret, { claims: { aud: { $ne: '' } } }),
  'another issuer': ({ token, secret }) =>
    resign(token, secret, { claims: { iss: 'https://other.example.net' } }),
  'no issuer': ({ token, secret }) => resign(token, secret, { claims: { iss: undefined } }),
  'no subject': ({ token, secret }) => resign(token, secret, { claims: { sub: undefined } }),
  'a subject that is an object': ({ token, secret }) =>
    resign(token, secret, { claims: { sub: { $gt: '' } } }),
  'no session': ({ token, secret }) => resign(token, secret, { claims: { sid: undefined } }),
  'a session that is an object': ({ token, secret }) =>
    resign(token, secret, { claims: { sid: { $ne: null } } }),
  'no expiry': ({ token, secret }) => resign(token, secret, { claims: { exp: undefined } }),
  'an expiry that is text': ({ token, secret }) => resign(token, secret, { claims: { exp: '9999999999' } }),
  'an expiry that is an object': ({ token, secret }) =>
    resign(token, secret, { claims: { exp: { $gt: 0 } } }),
  'a generation that is text': ({ token, secret }) => resign(token, secret, { claims: { gen: '0' } }),
  'a critical extension (RFC 7515, 4.1.11)': ({ token, secret }) =>
    resign(token, secret, { header: { crit: ['urn:example:x'], 'urn:example:x': true } }),
  'an unencoded payload (RFC 7797)': ({ token, secret }) =>
    resign(token, secret, { header: { crit: ['b64'], b64: false } }),
  'claims that are a list': ({ token, secret }) => sign(headerOf(token), [claimsOf(token)], secret),
  'claims that are null': ({ token, secret }) => sign(headerOf(token), null, secret),
  'claims that are text': ({ token, secret }) => sign(headerOf(token), 'claims', secret),
  'claims that are not JSON': ({ token, secret }) =>
    signInput(`${headerPart(token)}.${base64('nonsense')}`, secret),
  'empty claims': ({ token, secret }) => sign(headerOf(token), {}, secret),
};

const INVALID = { ...FORGERIES, ...MISUSES };
const make = (name: string, loot: Loot): string => {
  const forge = INVALID[name];
  if (forge === undefined) throw new Error(`no such forgery: ${name}`);
  const token = forge(loot);
  expect(token).not.toBe(loot.token);
  return token;
};

describe.each(['express', 'fastify'])('an attacker of the service on %s', (adapter) => {
  let service: Service;
  let api: Api;
  const secrets = new Set([ACCESS_SECRET, REFRESH_SECRET, PASSWORD]);

  beforeAll(async () => {
    service = await Service.start({ HTTP_ADAPTER: adapter, LOG_LEVEL: 'debug' });
    api = service.api();
  });

  afterAll(() => service?.dispose());

  /** A session whose secrets must not appear in the output of the process. */
  const victim = async (fields: object = {}): Promise<Session> => {
    const session = await newSession(api, fields);
    remember(session);
    return session;
  };

  const remember = ({ accessToken, refreshToken }: Session): void => {
    for (const token of [accessToken, refreshToken]) secrets.add(token).add(signatureOf(token));
    secrets.add(claimsOf(refreshToken).sec);
  };

  afterEach(() => {
    expect([...secrets].filter((secret) => service.output.includes(secret))).toEqual([]);
    expect(service.output).not.toMatch(/unhandled|UncaughtException/i);
  });

  /** Expects an error of the client (4xx) in the documented shape. */
  const expectClientError = (answer: Answer, ...codes: string[]): void => {
    expectError(answer, answer.status, answer.json.code);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(codes).toContain(answer.json.code);
  };

  /** Expects an untouched session: its access token works, and the next refresh makes generation 1. */
  const expectUnharmed = async (session: Session): Promise<void> => {
    expect((await api.me(session.accessToken)).status).toBe(200);
    const next = await refreshed(api, session);
    expect(claimsOf(next.refreshToken).gen).toBe(1);
    remember(next);
  };

  describe('who forges an access token', () => {
    let session: Session;
    beforeAll(async () => {
      session = await victim();
    });
    const loot = (): Loot => ({
      token: session.accessToken,
      otherKind: session.refreshToken,
      secret: ACCESS_SECRET,
      otherKindsSecret: REFRESH_SECRET,
    });

    test.each(Object.keys(INVALID))('is refused: %s', async (name) => {
      expectGuardRefusal(await api.me(make(name, loot())), 'ACCESS_TOKEN_INVALID');
    });

    it('control: a token changed in no harmful way is accepted', async () => {
      const again = resign(session.accessToken, ACCESS_SECRET, { claims: { jti: 'another-id' } });
      expect((await api.me(again)).status).toBe(200);
    });

    it('is refused with an oversized header, without a server error', async () => {
      const answer = await api.me('A'.repeat(40_000)).catch(() => undefined);
      if (answer !== undefined) expect([400, 401, 413, 431]).toContain(answer.status);
      await expectUnharmed(await victim());
    });
  });

  describe('who forges a refresh token', () => {
    let inBody: Session;
    let inCookie: Session;
    beforeAll(async () => {
      inBody = await victim();
      inCookie = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
      remember(inCookie);
    });
    afterAll(async () => {
      await expectUnharmed(inBody);
      const answer = await api.refreshByCookie(inCookie.refreshToken);
      expect(answer.json.session).toMatchObject({ id: inCookie.id, generation: 1 });
    });
    const loot = ({ accessToken, refreshToken }: Session): Loot => ({
      token: refreshToken,
      otherKind: accessToken,
      secret: REFRESH_SECRET,
      otherKindsSecret: ACCESS_SECRET,
    });

    test.each(Object.keys(INVALID))('is refused: %s', async (name) => {
      expectError(await api.refresh(make(name, loot(inBody))), 401, 'REFRESH_TOKEN_INVALID');
      const answer = await api.refreshByCookie(make(name, loot(inCookie)));
      expectError(answer, 401, 'REFRESH_TOKEN_INVALID');
      expectCookieLeftAlone(answer);
    });

    test.each(Object.keys(INVALID))('ends no session at logout: %s', async (name) => {
      const answer = await api.logout({ body: { refreshToken: make(name, loot(inBody)) } });
      expect(answer.status).toBeLessThan(500);
      expect((await api.me(inBody.accessToken)).status).toBe(200);
    });

    test.each<[string, Part]>([
      ['no secret', { sec: undefined }],
      ['a secret that is an object', { sec: { $ne: '' } }],
      ['a short secret', { sec: 'AAAA' }],
      ['a huge secret', { sec: 'A'.repeat(4_000) }],
      ['a negative generation', { gen: -1 }],
      ['a fractional generation', { gen: 0.5 }],
      ['no absolute expiry', { abs: undefined }],
      ['an absolute expiry that is an object', { abs: { $gt: 0 } }],
      ['a session id of the wrong form', { sid: 'x' }],
      ['a session id with a NUL', { sid: 'a\u0000b' }],
    ])('is refused with the signing key in hand: %s', async (_, claims) => {
      const stray = await victim();
      const answer = await api.refresh(resign(stray.refreshToken, REFRESH_SECRET, { claims }));
      expectClientError(answer, 'REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_UNKNOWN', 'REFRESH_TOKEN_REUSED');
    });

    it('gets nothing with only the signing key and the session id, and harms nobody', async () => {
      const target = await victim();
      const claims = { sec: randomBytes(32).toString('base64url') };
      const answer = await api.refresh(resign(target.refreshToken, REFRESH_SECRET, { claims }));
      expectError(answer, 401, 'REFRESH_TOKEN_UNKNOWN');
      await expectUnharmed(target);
    });

    it('does not become another user by changing the subject with the signing key in hand', async () => {
      const [mine, target] = [await victim(), await victim()];
      const forged = resign(mine.refreshToken, REFRESH_SECRET, { claims: { sub: target.userId } });
      const answer = await api.refresh(forged);
      expect(answer.status).toBeLessThan(500);
      if (answer.status === 200) expect(answer.json.user.id).toBe(mine.userId);
      await expectUnharmed(target);
    });

    it.each(['\u0000', ' ', '\n', '\u200b', '\ufffe', '\ud800'])(
      'is refused with a stray character in the token: %j',
      async (character) => {
        const { refreshToken } = inBody;
        for (const token of [
          refreshToken + character,
          character + refreshToken,
          refreshToken.replace('.', `.${character}`),
        ]) {
          expectClientError(await api.refresh(token), 'REFRESH_TOKEN_INVALID', 'VALIDATION_FAILED');
        }
      },
    );

    it('is refused with a token above the body limit', async () => {
      expectError(await api.refresh('A'.repeat(20_000)), 413, 'PAYLOAD_TOO_LARGE');
    });
  });

  describe('who injects operators', () => {
    const operators: object[] = [
      { $gt: '' },
      { $ne: null },
      { $regex: '^' },
      { $where: 'sleep(5000)' },
      { $in: [''] },
      [{ $ne: '' }],
      { toString: 'x' },
      { length: 9 },
    ];

    test.each(operators.map((operator) => [JSON.stringify(operator), operator]))(
      'gets an error about the field: %s',
      async (_, operator) => {
        const { email, accessToken: token } = await victim();
        const bodies: [string, object][] = [
          ['/auth/login', { email: operator, password: PASSWORD }],
          ['/auth/login', { email, password: operator }],
          ['/auth/login', { email, password: PASSWORD, deviceId: operator }],
          ['/auth/register', { email: operator, password: PASSWORD }],
          ['/auth/register', { email: uniqueEmail(), password: operator }],
          ['/auth/register', { email: uniqueEmail(), password: PASSWORD, name: operator }],
          ['/auth/refresh', { refreshToken: operator }],
          ['/auth/logout', { refreshToken: operator }],
          ['/auth/change-password', { currentPassword: operator, newPassword: 'some-new-Pass' }],
          ['/auth/change-password', { currentPassword: PASSWORD, newPassword: operator }],
        ];
        for (const [path, body] of bodies) {
          expectError(await api.post(path, body, { token }), 400, 'VALIDATION_FAILED');
        }
        expect((await api.login({ email, password: PASSWORD })).status).toBe(200);
      },
    );

    it('gets nothing with dotted and dollar keys, in the body or in the query', async () => {
      const { email, accessToken: token } = await victim();
      for (const key of ['$where', 'email.$ne', 'password[$ne]', 'user.roles', '$set']) {
        const answer = await api.login({ email, password: 'wrong-password', [key]: 1 });
        expectError(answer, 400, 'VALIDATION_FAILED');
      }
      const other = await victim();
      const path = `/auth/sessions?id[$ne]=1&userId=${other.userId}&userId[$ne]=1`;
      const { json } = await api.send('GET', path, { token });
      expect(json).toHaveLength(1);
      expect((await api.send('DELETE', '/auth/sessions?id[$ne]=1', { token })).status).toBe(204);
      await expectUnharmed(other);
    });
  });

  describe('who pollutes prototypes', () => {
    test.each([
      '"__proto__":{"roles":["admin"],"polluted":1}',
      '"constructor":{"prototype":{"roles":["admin"],"polluted":1}}',
      '"prototype":{"polluted":1}',
      '"constructor":1',
      '"toString":1',
      '"hasOwnProperty":1',
      '"\\u005f_proto__":{"polluted":1}',
    ])('is refused, and changes no prototype: {%s}', async (member) => {
      const email = uniqueEmail();
      const fields = `"email":"${email}","password":"${PASSWORD}"`;
      const { accessToken: token } = await victim();
      // Guards run before validation.
      const { refreshToken: refreshCookie } = sessionOf(
        await api.register({ email: uniqueEmail(), password: PASSWORD }),
      );
      const bodies: [string, string][] = [
        ['/auth/register', `{${fields},${member}}`],
        ['/auth/login', `{${fields},${member}}`],
        ['/auth/refresh', `{${member}}`],
        ['/auth/logout', `{${member}}`],
        ['/auth/change-password', `{"currentPassword":"x","newPassword":"${PASSWORD}",${member}}`],
      ];
      for (const [path, raw] of bodies) {
        const answer = await api.send('POST', path, { raw, token, refreshCookie });
        expect({ path, status: answer.status }).toEqual({ path, status: 400 });
        expectClientError(answer, 'VALIDATION_FAILED', 'MALFORMED_REQUEST');
      }
      const { json } = await api.me(token);
      expect(json.roles).toEqual(['user']);
      expect(json.polluted).toBeUndefined();
      expect((await api.register({ email, password: PASSWORD })).status).toBe(201);
    });

    it('is refused if the value of a field sets its own prototype', async () => {
      const raw = `{"email":{"__proto__":{"length":5}},"password":"${PASSWORD}"}`;
      const answer = await api.send('POST', '/auth/login', { raw });
      expectClientError(answer, 'VALIDATION_FAILED', 'MALFORMED_REQUEST');
    });
  });

  describe('who sends strange texts', () => {
    it('cannot shorten a password with a NUL', async () => {
      const email = uniqueEmail();
      const answer = await api.register({ email, password: 'long-enough\u0000-and-more', transport: 'body' });
      expect([201, 400]).toContain(answer.status);
      if (answer.status === 400) {
        expectClientError(answer, 'VALIDATION_FAILED', 'WEAK_PASSWORD');
        return;
      }
      for (const password of ['long-enough', 'long-enough\u0000', 'long-enough\u0000-and-else']) {
        expect((await api.login({ email, password })).status).not.toBe(200);
      }
    });

    it('with an appended NUL does not get in with a password that has none', async () => {
      const { email } = await victim();
      for (const password of [`${PASSWORD}\u0000`, `${PASSWORD}\u0000x`, `\u0000${PASSWORD}`]) {
        expectClientError(await api.login({ email, password }), 'INVALID_CREDENTIALS', 'VALIDATION_FAILED');
      }
    });

    test.each([
      '\u0000',
      '\ud800',
      '\u202e',
      '\uffff',
      '\u001b[2J',
      '${7*7}',
      '{{7*7}}',
      '<script>',
      "'; db.dropDatabase()",
    ])('causes no server error: %j', async (text) => {
      const { email, accessToken: token } = await victim();
      const answers = [
        await api.register({ email: uniqueEmail(), password: PASSWORD, name: `a${text}b` }),
        await api.register({ email: `a${text}b@example.com`, password: PASSWORD }),
        await api.register({ email: uniqueEmail(), password: `${PASSWORD}${text}` }),
        await api.login({ email, password: PASSWORD, deviceName: text, appId: text, deviceId: text }),
        await api.login({ email: `${text}${email}`, password: PASSWORD }),
        await api.send('DELETE', `/auth/sessions/${encodeURIComponent(Buffer.from(text).toString())}`, {
          token,
        }),
        await api.sessions(token),
      ];
      for (const answer of answers) {
        expect(answer.status).toBeLessThan(500);
        expectNothingLeaks(answer);
        if (answer.status >= 400) expectError(answer, answer.status, answer.json.code);
      }
      expect(answers.at(-1)?.status).toBe(200);
    });

    test.each(['%', '%E0%A4%A', '%ff', '.', '..%00', '%2e%2e', 'x%0d%0aSet-Cookie:a=b'])(
      'causes no server error with the path %s',
      async (id) => {
        const { accessToken: token } = await victim();
        const answer = await api.send('DELETE', `/auth/sessions/${id}`, { token });
        expect(answer.status).toBeLessThan(500);
        expectNothingLeaks(answer);
        expect(answer.cookies).toEqual([]);
        expect((await api.me(token)).status).toBe(200);
      },
    );

    it('causes no server error with deep nesting', async () => {
      for (const path of ['/auth/login', '/auth/refresh', '/auth/logout', '/auth/register']) {
        for (const nested of [deep(2_500), `${'['.repeat(7_500)}${']'.repeat(7_500)}`]) {
          const raw = `{"email":${nested},"refreshToken":1}`;
          expectClientError(await api.send('POST', path, { raw }), 'VALIDATION_FAILED', 'MALFORMED_REQUEST');
        }
      }
    });

    it('does not get the password back in the answer', async () => {
      const password = `never-${'repeat-me-'.repeat(20)}`;
      secrets.add(password);
      for (const answer of [
        await api.register({ email: uniqueEmail(), password }),
        await api.register({ email: 'nonsense', password: PASSWORD }),
        await api.send('POST', '/auth/login', { raw: `{"password":"${PASSWORD}",` }),
      ]) {
        expect(answer.status).toBe(400);
        expect(answer.text).not.toContain('repeat-me');
        expect(answer.text).not.toContain(PASSWORD);
      }
    });
  });

  describe('who abuses Unicode in an e-mail address', () => {
    /** Equal after NFKC and lower-casing: the same user. */
    test.each<[string, (email: string) => string]>([
      ['the Kelvin sign for a k', (email) => email.replace('k', '\u212a')],
      ['a full-width letter', (email) => email.replace('i', 'ｉ')],
      ['a mathematical letter', (email) => email.replace('r', '𝓻')],
      ['a full-width at sign', (email) => email.replace('@', '＠')],
    ])("does not register another user's address: %s", async (_, disguise) => {
      const { email } = await victim({ email: uniqueEmail('kirk') });
      expect(disguise(email)).not.toBe(email);
      const answer = await api.register({ email: disguise(email), password: 'another-Password-1' });
      expectClientError(answer, 'EMAIL_TAKEN', 'VALIDATION_FAILED');
      const login = await api.login({ email: disguise(email), password: 'another-Password-1' });
      expectClientError(login, 'INVALID_CREDENTIALS', 'VALIDATION_FAILED');
    });

    /** Another address that looks the same must never open the first account. */
    test.each<[string, (email: string) => string]>([
      ['a dotted capital I', (email) => email.replace('i', 'İ')],
      ['a dotless i', (email) => email.replace('i', 'ı')],
      ['a Cyrillic letter', (email) => email.replace('r', 'г').replace('k', 'к')],
      ['a zero-width joiner', (email) => email.replace('k', 'k\u200d')],
      ['a right-to-left override', (email) => email.replace('k', '\u202ek')],
      ['a combining mark', (email) => email.replace('k', 'k\u0301')],
      ['a soft hyphen', (email) => email.replace('k', 'k\u00ad')],
    ])('does not become another user: %s', async (_, disguise) => {
      const target = await victim({ email: uniqueEmail('kirk') });
      const { email, userId } = target;
      const login = await api.login({ email: disguise(email), password: PASSWORD });
      expectClientError(login, 'INVALID_CREDENTIALS', 'VALIDATION_FAILED');
      const answer = await api.register({ email: disguise(email), password: PASSWORD });
      if (answer.status === 201) expect(answer.json.user.id).not.toBe(userId);
      else expectClientError(answer, 'VALIDATION_FAILED');
      await expectUnharmed(target);
    });
  });

  describe('who comes from another site', () => {
    const evil = 'https://evil.example.net';

    test.each<[string, string, string]>([
      ['a form', 'application/x-www-form-urlencoded', 'email=a%40example.com&password=x'],
      ['a form that looks like JSON', 'text/plain', '{"email":"a@example.com","password":"x","a":"="}'],
      ['a form with parts', 'multipart/form-data; boundary=b', '--b\r\n\r\n{}\r\n--b--'],
      ['no content type', '', '{"email":"a@example.com","password":"x"}'],
    ])('logs nobody in by %s', async (_, type, raw) => {
      const headers = { 'content-type': type, origin: evil, 'sec-fetch-site': 'cross-site' };
      for (const path of ['/auth/login', '/auth/register', '/auth/refresh']) {
        const answer = await api.send('POST', path, { raw, headers });
        expectClientError(answer, 'UNSUPPORTED_MEDIA_TYPE', 'CROSS_SITE_REQUEST');
        expectCookieLeftAlone(answer);
      }
    });

    it("neither rotates nor ends a visitor's session", async () => {
      const session = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
      remember(session);
      const call: Call = {
        refreshCookie: session.refreshToken,
        headers: { origin: evil, 'sec-fetch-site': 'cross-site' },
      };
      for (const path of ['/auth/refresh', '/auth/logout']) {
        const answer = await api.send('POST', path, call);
        expectError(answer, 403, 'CROSS_SITE_REQUEST');
        expectCookieLeftAlone(answer);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
      const { json } = await api.refreshByCookie(session.refreshToken);
      expect(json.session).toMatchObject({ generation: 1 });
    });

    it('changes nothing by GET', async () => {
      const session = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
      for (const path of ['/auth/refresh', '/auth/logout', '/auth/logout-all']) {
        const answer = await api.send('GET', path, {
          refreshCookie: session.refreshToken,
          token: session.accessToken,
        });
        expect([404, 405]).toContain(answer.status);
        expectCookieLeftAlone(answer);
      }
      const { json } = await api.refreshByCookie(session.refreshToken);
      expect(json.session).toMatchObject({ generation: 1 });
    });
  });

  describe('who tosses cookies', () => {
    const withCookie = (cookie: string) => api.send('POST', '/auth/refresh', { headers: { cookie } });

    it('gets a documented answer for two cookies of one name, and moves nobody to a third session', async () => {
      const mine = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
      const planted = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
      remember(mine);
      for (const [first, second] of [
        [mine.refreshToken, 'nonsense'],
        ['nonsense', mine.refreshToken],
        [mine.refreshToken, planted.refreshToken],
        [planted.refreshToken, mine.refreshToken],
        ['', mine.refreshToken],
      ]) {
        const answer = await withCookie(`${COOKIE}=${first}; ${COOKIE}=${second}`);
        if (answer.status === 200) expect([mine.id, planted.id]).toContain(answer.json.session.id);
        else expectClientError(answer, 'REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_MISSING');
      }
    });

    test.each([
      `${COOKIE}=%E0%A4%A`,
      `${COOKIE}=%00`,
      `${COOKIE}="quoted"`,
      `${COOKIE}=j:{"$ne":null}`,
      `${COOKIE}=s:signed.value`,
      `${COOKIE}[$ne]=1`,
      `${COOKIE}`,
      `${COOKIE}=`,
      `=${COOKIE}`,
      '__proto__=1; constructor=2; hasOwnProperty=3',
      ';;;===;;;',
    ])('gets a documented answer: %s', async (cookie) => {
      expectClientError(await withCookie(cookie), 'REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_MISSING');
    });

    it('cannot hide the cookie among others', async () => {
      const { refreshToken } = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
      const others = Array.from({ length: 800 }, (_, i) => `c${i}=1`).join('; ');
      expectError(await withCookie(others), 401, 'REFRESH_TOKEN_MISSING');
      expect((await withCookie(`${others}; ${COOKIE}=${refreshToken}`)).json.session.generation).toBe(1);
    });

    it('cannot use a cookie name in another case or with spaces', async () => {
      const { refreshToken } = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
      for (const name of ['Refresh_Token', 'REFRESH_TOKEN', 'refresh%5Ftoken', `x${COOKIE}`]) {
        expectError(await withCookie(`${name}=${refreshToken}`), 401, 'REFRESH_TOKEN_MISSING');
      }
      expect((await withCookie(`a=1; ${COOKIE}=${refreshToken}; b=2`)).json.session.generation).toBe(1);
    });
  });
});

describe('a verifier with an asymmetric key', () => {
  let service: Service;
  let api: Api;
  let session: Session;
  let directory: string;
  const kid = 'rsa-1';

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'silent-auth-keys-'));
    const path = join(directory, 'access.json');
    const jwk = { ...rsaKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
    await writeFile(path, JSON.stringify({ keys: [jwk] }));
    service = await Service.start({ JWT_ACCESS_KEYS: path });
    api = service.api();
    session = await newSession(api);
  });

  afterAll(async () => {
    await service?.dispose();
    await rm(directory, { recursive: true });
  });

  it('publishes only the public half of the key', async () => {
    const { json } = await api.send('GET', '/.well-known/jwks.json');
    const { kty, n, e } = rsaPublicKey.export({ format: 'jwk' });
    expect(json).toEqual({ keys: [expect.objectContaining({ kty, n, e, kid, alg: 'RS256' })] });
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) {
      expect(json.keys[0]).not.toHaveProperty(member);
    }
  });

  it('accepts tokens signed by its key', async () => {
    expect(headerOf(session.accessToken)).toMatchObject({ alg: 'RS256', kid, typ: 'at+jwt' });
    const again = signRsa(headerOf(session.accessToken), claimsOf(session.accessToken), rsaKey);
    expect(again).toBe(session.accessToken);
    expect((await api.me(again)).status).toBe(200);
  });

  const publicKey = createPublicKey(rsaPublicKey.export({ format: 'pem', type: 'spki' }));
  const spki = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const asSecret: Record<string, string | Buffer> = {
    'PEM (SPKI)': spki,
    'PEM (SPKI) without its last line break': spki.trimEnd(),
    'PEM (PKCS 1)': publicKey.export({ format: 'pem', type: 'pkcs1' }).toString(),
    DER: publicKey.export({ format: 'der', type: 'spki' }),
    JWK: JSON.stringify(rsaPublicKey.export({ format: 'jwk' })),
    modulus: Buffer.from(rsaPublicKey.export({ format: 'jwk' }).n ?? '', 'base64url'),
  };

  test.each(Object.keys(asSecret))('does not accept its public key as an HMAC secret: %s', async (form) => {
    const { accessToken } = session;
    for (const alg of ['HS256', 'HS512']) {
      const forged = sign({ ...headerOf(accessToken), alg }, claimsOf(accessToken), asSecret[form] ?? '');
      expectGuardRefusal(await api.me(forged), 'ACCESS_TOKEN_INVALID');
    }
  });

  it('accepts one algorithm per key, and no signature of another key', async () => {
    const header = headerOf(session.accessToken);
    const claims = claimsOf(session.accessToken);
    const pem = createPrivateKey(rsaKey.export({ format: 'pem', type: 'pkcs8' }));
    for (const forged of [
      signRsa({ ...header, alg: 'RS512' }, claims, pem),
      signRsa({ ...header, alg: 'RS384' }, claims, pem),
      signRsa(header, claims, attackerKey.privateKey),
      signRsa({ ...header, kid: 'unknown', jwk: attackerJwk }, claims, attackerKey.privateKey),
      `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
      nonCanonical(session.accessToken),
    ]) {
      expectGuardRefusal(await api.me(forged), 'ACCESS_TOKEN_INVALID');
    }
  });
});

describe('a thief with an earlier token', () => {
  let service: Service;
  let api: Api;

  beforeAll(async () => {
    service = await Service.start({ REFRESH_GRACE_PERIOD: '1m' }, HELD_CLOCK);
    api = service.api();
  });

  afterAll(() => service?.dispose());

  it('is detected with every earlier token of a session, and then every token of the session is invalid', async () => {
    const ROTATIONS = 7;
    const cases = await Promise.all(
      Array.from({ length: ROTATIONS }, async () => {
        const chain = [await newSession(api)];
        for (let time = 0; time < ROTATIONS; time += 1)
          chain.push(await refreshed(api, chain.at(-1) as Session));
        const last = chain.at(-1) as Session;
        expect((await api.me(last.accessToken)).status).toBe(200);
        await untilConfirmed(service, last);
        return chain;
      }),
    );
    await service.advance(60_001);
    for (const [index, chain] of cases.entries()) {
      const stolen = chain[index] as Session;
      expectError(await api.refresh(stolen.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
      for (const { refreshToken } of chain) {
        expectError(await api.refresh(refreshToken), 401, 'SESSION_REVOKED');
      }
      await expectAccessRevoked(api, (chain.at(-1) as Session).accessToken);
    }
  });

  it('of a session that was logged out is refused with every token of it', async () => {
    const chain = [await newSession(api)];
    for (let time = 0; time < 5; time += 1) chain.push(await refreshed(api, chain.at(-1) as Session));
    await api.logout({ body: { refreshToken: (chain.at(-1) as Session).refreshToken } });
    for (const { refreshToken } of chain) {
      expectError(await api.refresh(refreshToken), 401, 'SESSION_REVOKED');
    }
    const other = await anotherSession(api, (chain[0] as Session).email);
    expect((await refreshed(api, other)).id).toBe(other.id);
  });
});

describe('who measures the time of a login', () => {
  it('does not learn whether an e-mail is registered', async () => {
    const service = await Service.start({ BCRYPT_COST: '10' });
    try {
      const api = service.api();
      const { email } = await newSession(api);
      const timed = async (address: string): Promise<number> => {
        const from = performance.now();
        expectError(
          await api.login({ email: address, password: 'wrong-Password-1' }),
          401,
          'INVALID_CREDENTIALS',
        );
        return performance.now() - from;
      };
      const known: number[] = [];
      const unknown: number[] = [];
      await timed(email);
      await timed(uniqueEmail());
      for (let round = 0; round < 15; round += 1) {
        known.push(await timed(email));
        unknown.push(await timed(uniqueEmail()));
      }
      const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
      const ratio = median(known) / median(unknown);
      expect(median(known)).toBeGreaterThan(15);
      expect(ratio).toBeGreaterThan(0.6);
      expect(ratio).toBeLessThan(1.67);
    } finally {
      await service.dispose();
    }
  });

  it('does not learn it from a registration with verification, or from a password reset', async () => {
    const mail = await MailCatcher.start();
    const service = await Service.start({
      BCRYPT_COST: '10',
      SMTP_URL: mail.url,
      MAIL_FROM: 'no-reply@example.com',
      EMAIL_VERIFICATION: 'required',
    });
    try {
      const api = service.api();
      const email = uniqueEmail();
      await api.register({ email, password: PASSWORD });
      await mail.arrived(email);
      const timed = async (path: string, body: object): Promise<number> => {
        const from = performance.now();
        const { status, text } = await api.post(path, body);
        const took = performance.now() - from;
        expect([status, text]).toEqual([202, '']);
        return took;
      };
      const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
      for (const path of ['/auth/register', '/auth/forgot-password']) {
        const body = (address: string) =>
          path === '/auth/register' ? { email: address, password: PASSWORD } : { email: address };
        const known: number[] = [];
        const unknown: number[] = [];
        await timed(path, body(email));
        for (let round = 0; round < 21; round += 1) {
          known.push(await timed(path, body(email)));
          unknown.push(await timed(path, body(uniqueEmail())));
        }
        const difference = Math.abs(median(known) - median(unknown));
        // A registration hashes a password in both cases; a password reset does nothing before it answers.
        if (path === '/auth/register') expect(median(known)).toBeGreaterThan(15);
        expect(difference).toBeLessThan(median(unknown) * 0.67 + 2);
      }
    } finally {
      await service.dispose();
      await mail.close();
    }
  });
});
