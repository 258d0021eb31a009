import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AuthEventBus,
  type AuthEvents,
  type AuthModuleExtras,
  type AuthOptions,
  openApiDocument,
} from '../../src/index.js';
import { TestClock } from '../../src/testing/index.js';
import { BoundBrowser, challengeIn, parseOffer } from '../support/bound-browser.js';
import { DocumentedApi } from '../support/documented-api.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { Browser, expectError, expectNoContent, PASSWORD, uniqueEmail } from '../support/http.js';
import { HandKey, KeyClient } from '../support/proofs.js';
import { claimsOf, encode, resign } from '../support/tokens.js';

const REFRESH_COOKIE = '__Host-refresh_token';
const BOUND_COOKIE = '__Host-refresh_token_bound';
const REGISTER = '/auth/device-bound-session';
const RENEW = '/auth/device-bound-session/renew';
const BOUND = ['POST /auth/device-bound-session/renew 403', 'POST /auth/device-bound-session/renew 200'];

const newUser = () => ({ email: uniqueEmail(), password: PASSWORD });
const refresh = (browser: Browser) => browser.send('POST', '/auth/refresh');

describe.each(ADAPTERS)('device-bound sessions on %s', (adapter) => {
  let clock: TestClock;
  let host: HostApp;
  let failures: AuthEvents['refresh_token.proof_failed'][];

  beforeAll(async () => {
    clock = new TestClock();
    host = await start();
    host.app.get(AuthEventBus).on('refresh_token.proof_failed', (failure) => failures.push(failure));
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    failures = [];
  });

  const start = ({ refreshToken, ...over }: Partial<AuthOptions> & AuthModuleExtras = {}): Promise<HostApp> =>
    HostApp.start(adapter, {
      clock,
      ...over,
      refreshToken: { deviceBound: 'optional', cookie: { secure: true }, ...refreshToken },
    });

  /** A browser with a new user, whose session is not bound yet. */
  async function signedIn(at = host): Promise<BoundBrowser> {
    const browser = new BoundBrowser(at.origin, clock);
    expect(await browser.register(newUser())).toMatchObject({ status: 201 });
    return browser;
  }

  async function bound(at = host): Promise<BoundBrowser> {
    const browser = await signedIn(at);
    expect(await refresh(browser)).toMatchObject({ status: 200 });
    return browser;
  }

  const deviceKeys = async (email: unknown, at = host): Promise<unknown[]> => {
    const user = await at.connection.db?.collection('users').findOne({ email: String(email) });
    const rows = at.connection.db?.collection('refresh_tokens').find({ userId: String(user?._id) });
    return (await rows?.toArray())?.map((row) => row['deviceKey']) ?? [];
  };

  it('offers nothing, stores nothing and sends no additional command if the option is off', async () => {
    const plain = await HostApp.start(adapter, { refreshToken: { cookie: { secure: true } } });
    try {
      const browser = new BoundBrowser(plain.origin);
      const begun = await browser.register(newUser());
      expect(begun.headers['secure-session-registration']).toBeUndefined();
      await plain.commandsSettled();
      plain.commands.length = 0;
      expect(await refresh(browser)).toMatchObject({ status: 200 });
      const rotation = plain.requestCommands().find(({ commandName }) => commandName === 'findAndModify');
      expect(Object.keys(rotation?.command.query)).not.toContain('deviceKey');
      expect((await browser.logout()).cookies.map(({ name }) => name)).not.toContain(BOUND_COOKIE);
      expectError(await browser.send('POST', REGISTER), 403, 'DEVICE_PROOF_REQUIRED');
      expect((await browser.send('POST', RENEW)).json).toEqual({ continue: false });
    } finally {
      await plain.stop();
    }
  });

  it('does not change sessions of browsers without this feature', async () => {
    const browser = new Browser(host.origin);
    const user = newUser();
    const begun = await browser.register(user);
    expect(begun.headers['secure-session-registration']).toMatch(
      /^\(ES256\);path="\/auth\/device-bound-session"/,
    );
    for (let count = 0; count < 6; count += 1) {
      clock.advance('15m');
      const answer = await refresh(browser);
      expect(answer.status).toBe(200);
      expect(answer.headers['secure-session-registration']).toBeUndefined();
    }
    expect(await deviceKeys(user.email)).toEqual([undefined]);
    expect(failures).toEqual([]);
  });

  it('binds a session at its first refresh, and asks for a proof at each one after a pause', async () => {
    const browser = new BoundBrowser(host.origin, clock);
    const user = newUser();
    await browser.register(user);
    expect(browser.own).toEqual(['POST /auth/device-bound-session 200']);
    expect(await deviceKeys(user.email)).toEqual([undefined]);
    for (let count = 0; count < 4; count += 1) {
      browser.own.length = 0;
      expect(await refresh(browser)).toMatchObject({ status: 200 });
      expect(browser.own).toEqual(BOUND);
      expect(await refresh(browser)).toMatchObject({ status: 200 });
      expect(browser.own).toEqual(BOUND);
      expect(await deviceKeys(user.email)).toEqual([expect.stringMatching(/^A[\w-]{43}$/)]);
      clock.advance('15m');
    }
  });

  it('informs the browser which requests wait for which cookie, and scripts cannot read that cookie', async () => {
    const browser = await signedIn();
    const answer = await browser.send('POST', RENEW, {
      headers: { 'sec-secure-session-id': `"${browser.kept?.id}"` },
    });
    expectError(answer, 403, 'DEVICE_PROOF_REQUIRED');
    const set: unknown[] = [];
    const plain = browser.plain.bind(browser);
    browser.plain = async (...call) => {
      const each = await plain(...call);
      if (each.cookie(BOUND_COOKIE)) set.push(each.cookie(BOUND_COOKIE)?.attributes, each.json);
      return each;
    };
    await refresh(browser);
    expect(set).toEqual([
      { 'max-age': '300', path: '/', httponly: '', secure: '', samesite: 'Strict' },
      {
        session_identifier: browser.kept?.id,
        refresh_url: RENEW,
        scope: {
          include_site: false,
          scope_specification: [
            { type: 'exclude', domain: '*', path: '/' },
            { type: 'include', domain: '*', path: '/auth/refresh' },
          ],
        },
        credentials: [
          { type: 'cookie', name: BOUND_COOKIE, attributes: 'Path=/; HttpOnly; Secure; SameSite=Strict' },
        ],
        allowed_refresh_initiators: [],
      },
    ]);
  });

  it('a thief with every cookie gets nothing once the bound cookie has expired, and the owner continues', async () => {
    const owner = await bound();
    const thief = owner.copy();
    clock.advance('5m');
    for (let count = 0; count < 3; count += 1) {
      const answer = await refresh(thief);
      expectError(answer, 401, 'PROOF_REQUIRED');
      expect(answer.headers['retry-after']).toBeUndefined();
      expect(answer.cookie()).toBeUndefined();
    }
    expect(failures.map(({ reason }) => reason)).toEqual(Array(3).fill('device_unproven'));
    const before = owner.copy();
    expect(await refresh(owner)).toMatchObject({ status: 200 });
    clock.advance('15m');
    // Nor with an earlier token: without the key it is not reuse, and ends nothing.
    expectError(await refresh(before), 401, 'PROOF_REQUIRED');
    expect(await refresh(owner)).toMatchObject({ status: 200 });
  });

  it('a browser whose clock was set back drops the outdated cookie, and proves itself at the next attempt', async () => {
    const itsClock = { now: () => 0 };
    const owner = new BoundBrowser(host.origin, itsClock);
    await owner.register(newUser());
    expect(await refresh(owner)).toMatchObject({ status: 200 });
    clock.advance('15m');
    const answer = await refresh(owner);
    expectError(answer, 401, 'PROOF_REQUIRED');
    expect(answer.cookies.map(({ name, attributes }) => [name, attributes['max-age']])).toEqual([
      [BOUND_COOKIE, '0'],
    ]);
    expect(await refresh(owner)).toMatchObject({ status: 200 });
  });

  it('a bound cookie is valid for five minutes, and for its session only', async () => {
    const [owner, other] = [await bound(), await bound()];
    const jar = (cookie: string) => ({ headers: { cookie } });
    const [token, mark] = [owner.jar.get(REFRESH_COOKIE), owner.jar.get(BOUND_COOKIE)];
    const otherMark = other.jar.get(BOUND_COOKIE);
    const thief = new Browser(host.origin);
    for (const odd of [otherMark, `${mark}A`, mark?.replace(/^./, 'z'), 'x'.repeat(9000), '', '.'])
      expectError(
        await thief.send('POST', '/auth/refresh', jar(`${REFRESH_COOKIE}=${token}; ${BOUND_COOKIE}=${odd}`)),
        401,
        'PROOF_REQUIRED',
      );
    const both = `${REFRESH_COOKIE}=${token}; ${BOUND_COOKIE}=${otherMark}; ${BOUND_COOKIE}=${mark}`;
    expect(await thief.send('POST', '/auth/refresh', jar(both))).toMatchObject({ status: 200 });
  });

  it('answers as described in the OpenAPI document', async () => {
    const cookie = { secure: true };
    const documented = new DocumentedApi(
      openApiDocument({ refreshToken: { deviceBound: 'optional', cookie } }),
    );
    const ids: Readonly<Record<string, string>> = {
      '/auth/register': 'register',
      '/auth/refresh': 'refresh',
      '/auth/logout': 'logout',
      [REGISTER]: 'registerDevice',
      [RENEW]: 'renewDevice',
    };
    const browser = new BoundBrowser(host.origin, clock);
    const plain = browser.plain.bind(browser);
    browser.plain = async (method, path, call) => {
      const answer = await plain(method, path, call);
      const id = ids[path] ?? '';
      expect({ id, problems: documented.problems(id, answer) }).toEqual({ id, problems: [] });
      return answer;
    };
    await browser.register(newUser());
    await refresh(browser);
    clock.advance('15m');
    failOnce(host);
    await refresh(browser);
    await browser.logout();
    await refresh(browser);
    await browser.plain('POST', REGISTER);
    const ofDevices = [...documented.seen].filter((seen) => seen.includes('Device'));
    expect(ofDevices.toSorted()).toEqual([
      'registerDevice 200 -',
      'registerDevice 403 DEVICE_PROOF_REQUIRED',
      'renewDevice 200 -',
      'renewDevice 403 DEVICE_PROOF_REQUIRED',
      'renewDevice 503 TEMPORARILY_UNAVAILABLE',
    ]);
    expect(documented.seen).toContain('refresh 401 PROOF_REQUIRED');
  });

  describe('a registration', () => {
    const ask = (browser: Browser, proof: string, headers: Record<string, string> = {}) =>
      browser.send('POST', REGISTER, { headers: { 'secure-session-response': proof, ...headers } });

    async function begun(): Promise<{ browser: Browser; challenge: string; user: { email: string } }> {
      const browser = new Browser(host.origin);
      const user = newUser();
      const answer = await browser.register(user);
      const offer = String(answer.headers['secure-session-registration']);
      return { browser, challenge: parseOffer(offer).challenge, user };
    }
    const proofOf = (key: HandKey, jti: unknown, header: object = {}) =>
      key.proof({ jti }, { typ: 'dbsc+jwt', ...header });

    it('needs the challenge of its own login, within two minutes', async () => {
      const key = new HandKey();
      const [{ browser, challenge }, other] = [await begun(), await begun()];
      const bad = [undefined, '', 'c', other.challenge, `${challenge}A`, challenge.replace(/^./, 'z')];
      for (const jti of bad) expectError(await ask(browser, proofOf(key, jti)), 403, 'DEVICE_PROOF_REQUIRED');
      expectError(await ask(new Browser(host.origin), proofOf(key, challenge)), 403, 'DEVICE_PROOF_REQUIRED');
      expect(await ask(browser, proofOf(key, challenge))).toMatchObject({ status: 200 });
      clock.advance('2m');
      expectError(await ask(browser, proofOf(key, challenge)), 403, 'DEVICE_PROOF_REQUIRED');
      expect(await refresh(browser)).toMatchObject({ status: 200 });
    });

    it('refuses a challenge of a renewal, and a renewal refuses one of a registration', async () => {
      const { browser, challenge } = await begun();
      const key = new HandKey();
      const { session_identifier: id } = (await ask(browser, proofOf(key, challenge))).json;
      const renew = (proof?: string) =>
        browser.send('POST', RENEW, {
          headers: {
            'sec-secure-session-id': id,
            ...(proof === undefined ? {} : { 'secure-session-response': proof }),
          },
        });
      const renewal = challengeIn(await renew());
      expectError(await ask(browser, proofOf(key, renewal)), 403, 'DEVICE_PROOF_REQUIRED');
      const noKey = { jwk: undefined };
      expectError(await renew(proofOf(key, challenge, noKey)), 403, 'DEVICE_PROOF_REQUIRED');
      expect((await renew(proofOf(key, renewal, noKey))).json).toMatchObject({ session_identifier: id });
    });

    it('refuses a proof with another algorithm, of another type, without a public key or too long', async () => {
      const { browser, challenge, user } = await begun();
      const [key, other] = [new HandKey(), new HandKey()];
      const unsigned = `${encode({ typ: 'dbsc+jwt', alg: 'none', jwk: key.jwk })}.${encode({ jti: challenge })}.`;
      const odd = [
        ...['none', 'HS256', 'RS256', 'ES384'].map((alg) => proofOf(key, challenge, { alg })),
        unsigned,
        proofOf(key, challenge, { typ: 'dpop+jwt' }),
        proofOf(key, challenge, { typ: undefined }),
        proofOf(key, challenge, { jwk: undefined }),
        proofOf(key, challenge, { jwk: key.privateJwk }),
        proofOf(key, challenge, { jwk: other.jwk }),
        proofOf(key, challenge, { jwk: { ...key.jwk, y: other.jwk.y } }),
        proofOf(key, challenge, { jwk: 'key' }),
        proofOf(key, challenge, { crit: ['exp'] }),
        proofOf(key, challenge, { pad: 'p'.repeat(5000) }),
        proofOf(key, { $gt: '' }),
        '""',
        'a.b',
        '"a.b.c"; d="e"',
      ];
      for (const proof of odd) expectError(await ask(browser, proof), 403, 'DEVICE_PROOF_REQUIRED');
      expect(new Set(failures.map(({ reason }) => reason))).toEqual(
        new Set(['proof_malformed', 'proof_algorithm', 'proof_signature']),
      );
      expect(await refresh(browser)).toMatchObject({ status: 200 });
      expect(await deviceKeys(user.email)).toEqual([undefined]);
    });

    it('whose answer is lost binds nothing: the user continues', async () => {
      const browser = new BoundBrowser(host.origin, clock);
      browser.losesAnswers = true;
      await browser.register(newUser());
      browser.losesAnswers = false;
      for (let count = 0; count < 3; count += 1) {
        clock.advance('15m');
        expect(await refresh(browser)).toMatchObject({ status: 200 });
      }
      expect(browser.own).toHaveLength(1);
    });

    it('by another client, once the session is bound, replaces nothing', async () => {
      const owner = new BoundBrowser(host.origin, clock);
      const user = newUser();
      await owner.register(user);
      const { challenge } = parseOffer(owner.offer ?? '');
      expect(await refresh(owner)).toMatchObject({ status: 200 });
      const [before] = await deviceKeys(user.email);
      const [thief, key] = [owner.copy(), new HandKey()];
      thief.jar.delete(BOUND_COOKIE);
      const { session_identifier: id } = (await ask(thief, proofOf(key, challenge))).json;
      expect(await renewed(thief, key, id)).toEqual({ continue: false });
      expectError(await refresh(thief), 401, 'PROOF_REQUIRED');
      clock.advance('15m');
      expect(await refresh(owner)).toMatchObject({ status: 200 });
      expect(await deviceKeys(user.email)).toEqual([before]);
    });

    it('twice at once: one key is bound, whichever is first', async () => {
      const { browser, challenge, user } = await begun();
      const keys = [new HandKey(), new HandKey()];
      const identifiers = await Promise.all(
        keys.map(async (key) => (await ask(browser, proofOf(key, challenge))).json.session_identifier),
      );
      const answers = await Promise.all(keys.map((key, index) => renewed(browser, key, identifiers[index])));
      expect(answers.filter((answer) => answer.continue === false)).toHaveLength(1);
      expect(await deviceKeys(user.email)).toEqual([expect.any(String)]);
    });

    it('under an identifier invented by a client binds nothing', async () => {
      const { browser, challenge, user } = await begun();
      const [key, own] = [new HandKey(), new HandKey()];
      const [mine, theirs] = await Promise.all(
        [key, own].map(
          async (each) => (await ask(browser, proofOf(each, challenge))).json.session_identifier,
        ),
      );
      const [sid, , mac] = mine.split('.');
      const forged = [sid, theirs.split('.')[1], mac].join('.');
      expect(await renewed(browser, own, forged)).toEqual({ continue: false });
      expect(await deviceKeys(user.email)).toEqual([undefined]);
      for (const odd of ['', 'x', `${mine}.x`, mine.slice(0, -1), 'y'.repeat(9000)])
        expect(
          (await browser.send('POST', RENEW, { headers: { 'sec-secure-session-id': odd } })).json,
        ).toEqual({
          continue: false,
        });
    });
  });

  async function renewed(browser: Browser, key: HandKey, id: string) {
    const headers = { 'sec-secure-session-id': id };
    const jti = challengeIn(await browser.send('POST', RENEW, { headers }));
    const proof = key.proof({ jti }, { typ: 'dbsc+jwt', jwk: undefined });
    return (await browser.send('POST', RENEW, { headers: { ...headers, 'secure-session-response': proof } }))
      .json;
  }

  it('a proof of a renewal is valid for two minutes, by the key of its session only', async () => {
    const owner = await bound();
    const headers = { 'sec-secure-session-id': owner.kept?.id ?? '' };
    const renew = (proof: string) =>
      owner.send('POST', RENEW, { headers: { ...headers, 'secure-session-response': proof } });
    const jti = challengeIn(await owner.send('POST', RENEW, { headers }));
    const other = new HandKey();
    for (const jwk of [undefined, other.jwk])
      expectError(await renew(other.proof({ jti }, { typ: 'dbsc+jwt', jwk })), 403, 'DEVICE_PROOF_REQUIRED');
    expect(failures.map(({ reason }) => reason)).toEqual(['proof_signature', 'proof_signature']);
    clock.advance('2m');
    failures.length = 0;
    const answer = await renew(other.proof({ jti }, { typ: 'dbsc+jwt', jwk: undefined }));
    expectError(answer, 403, 'DEVICE_PROOF_REQUIRED');
    expect(challengeIn(answer)).not.toBe(jti);
    expect(failures).toEqual([]);
  });

  it('a retried refresh gets the same token with the cookie, and nothing without it', async () => {
    const owner = await bound();
    const first = owner.copy();
    const attempt = 'A'.repeat(22);
    const body = { attempt };
    const [one, two] = [await owner.post('/auth/refresh', body), await first.post('/auth/refresh', body)];
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(two.json.session).toEqual(one.json.session);
    const unproven = owner.copy();
    unproven.jar.delete(BOUND_COOKIE);
    unproven.jar.set(REFRESH_COOKIE, one.cookie(REFRESH_COOKIE)?.value ?? '');
    expectError(await unproven.post('/auth/refresh', body), 401, 'PROOF_REQUIRED');
    expect(await refresh(owner)).toMatchObject({ status: 200 });
  });

  it('costs a refresh no additional command', async () => {
    const owner = await bound();
    await host.commandsSettled();
    host.commands.length = 0;
    expect(await refresh(owner)).toMatchObject({ status: 200 });
    const names = host.requestCommands().map(({ commandName }) => commandName);
    expect(names.slice(0, 2).toSorted()).toEqual(['find', 'findAndModify']);
    expect(names).toHaveLength(2);
  });

  it('a browser that could not prove itself just now is asked to retry', async () => {
    const owner = await bound();
    clock.advance('15m');
    failOnce(host);
    const answer = await refresh(owner);
    expect(owner.own.at(-1)).toBe('POST /auth/device-bound-session/renew 503');
    expectError(answer, 401, 'PROOF_REQUIRED');
    expect(answer.headers['retry-after']).toBe('5');
    expect(failures.map(({ reason }) => reason)).toEqual(['device_skipped']);
    expect(await refresh(owner)).toMatchObject({ status: 200 });
  });

  it('a limit on renewals is a 503, which ends no session of a browser', async () => {
    const limited = await start({ throttle: { refresh: { limit: 3, window: '1m' } } });
    try {
      const owner = await signedIn(limited);
      const headers = { 'sec-secure-session-id': owner.kept?.id ?? '' };
      let answer = await owner.send('POST', RENEW, { headers });
      while (answer.status === 403) answer = await owner.send('POST', RENEW, { headers });
      expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(1);
    } finally {
      await limited.stop();
    }
  });

  it('ends with a logout, which clears the bound cookie', async () => {
    const owner = await bound();
    const copy = owner.copy();
    const answer = await owner.logout();
    expectNoContent(answer);
    expect(answer.cookie(BOUND_COOKIE)?.attributes).toMatchObject({ 'max-age': '0', path: '/' });
    expect([...owner.jar.keys()]).not.toContain(BOUND_COOKIE);
    expectError(await refresh(owner), 401, 'REFRESH_TOKEN_MISSING');
    expect(owner.kept).toBeNull();
    // Also on a copy of the cookies.
    copy.jar.delete(BOUND_COOKIE);
    expectError(await refresh(copy), 401, 'SESSION_REVOKED');
  });

  it('ends for a browser whose session was ended elsewhere', async () => {
    const owner = await bound();
    const { accessToken } = (await refresh(owner)).json;
    await host.api().send('POST', '/auth/logout-all', { token: accessToken });
    clock.advance('15m');
    expectError(await refresh(owner), 401, 'SESSION_REVOKED');
    expect(owner.kept).toBeNull();
  });

  it('a browser that has lost its key logs in again, and is bound again', async () => {
    const user = newUser();
    const owner = new BoundBrowser(host.origin, clock);
    await owner.register(user);
    await refresh(owner);
    owner.kept = null;
    clock.advance('15m');
    expectError(await refresh(owner), 401, 'PROOF_REQUIRED');
    expect(await owner.login(user)).toMatchObject({ status: 200 });
    for (let count = 0; count < 3; count += 1) {
      expect(await refresh(owner)).toMatchObject({ status: 200 });
      clock.advance('15m');
    }
    expect((await deviceKeys(user.email)).filter(Boolean)).toHaveLength(2);
  });

  it('a change of password offers to bind the new session', async () => {
    const owner = await bound();
    const token = (await refresh(owner)).json.accessToken;
    const passwords = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
    const earlier = owner.kept?.id;
    expect(await owner.post('/auth/change-password', passwords, { token })).toMatchObject({ status: 200 });
    expect(owner.kept?.id).not.toBe(earlier);
    clock.advance('15m');
    owner.own.length = 0;
    expect(await refresh(owner)).toMatchObject({ status: 200 });
    expect(owner.own).toEqual(BOUND);
  });

  it('works with a proof of possession: a session may have both, and then needs both', async () => {
    const owner = new BoundBrowser(host.origin, clock);
    const client = await KeyClient.create(owner, 'https://issuer.example.com');
    expect(await client.post('/auth/register', newUser())).toMatchObject({ status: 201 });
    expect(await client.send('POST', '/auth/refresh')).toMatchObject({ status: 200 });
    expectError(await refresh(owner), 401, 'PROOF_REQUIRED');
    const thief = owner.copy();
    thief.jar.delete(BOUND_COOKIE);
    expectError(await client.at(thief).send('POST', '/auth/refresh'), 401, 'PROOF_REQUIRED');
    expect(failures.map(({ reason }) => reason)).toEqual(['proof_missing', 'device_unproven']);
    expect(await client.send('POST', '/auth/refresh')).toMatchObject({ status: 200 });
  });

  it('is offered only in cookie transport with a secure cookie', async () => {
    const body = await host.api().register({ ...newUser(), transport: 'body' });
    expect(body.headers['secure-session-registration']).toBeUndefined();
    const plain = await start({ refreshToken: { deviceBound: 'optional', cookie: { secure: false } } });
    try {
      const answer = await plain.api().register(newUser());
      expect(answer.status).toBe(201);
      expect(answer.headers['secure-session-registration']).toBeUndefined();
    } finally {
      await plain.stop();
    }
  });

  it.each([
    ['https://issuer.example.com', 'auth', '/auth'],
    ['https://issuer.example.com', 'v1/account', '/v1/account'],
    // A proxy strips the path of the issuer.
    ['https://issuer.example.com/api', 'auth', '/api/auth'],
    ['https://issuer.example.com/api/', 'api/auth', '/api/auth'],
  ])('with the issuer %s and the prefix %s, browsers ask under %s', async (issuer, routePrefix, path) => {
    const trustedOrigins = [
      'https://app.example.com:8443',
      'https://*.shop.example.com',
      'capacitor://localhost',
    ];
    const placed = await start({ issuer, routePrefix, trustedOrigins });
    try {
      const begun = await placed.api().post(`/${routePrefix}/register`, newUser());
      const { path: registration, challenge } = parseOffer(
        String(begun.headers['secure-session-registration']),
      );
      expect(registration).toBe(`${path}/device-bound-session`);
      const answer = await placed.api().post(`/${routePrefix}/device-bound-session`, undefined, {
        headers: {
          cookie: `${REFRESH_COOKIE}=${begun.cookie(REFRESH_COOKIE)?.value}`,
          'secure-session-response': new HandKey().proof({ jti: challenge }, { typ: 'dbsc+jwt' }),
        },
      });
      expect(answer.json).toMatchObject({
        refresh_url: `${path}/device-bound-session/renew`,
        scope: { scope_specification: [{}, { type: 'include', path: `${path}/refresh` }] },
        allowed_refresh_initiators: ['app.example.com', '*.shop.example.com'],
      });
    } finally {
      await placed.stop();
    }
  });

  it('a refresh token with a key that only other processes know gets 503, and its session does not end', async () => {
    const owner = await signedIn();
    const token = owner.jar.get(REFRESH_COOKIE) ?? '';
    const { iat } = claimsOf(token);
    owner.jar.set(
      REFRESH_COOKIE,
      resign(token, 's'.repeat(48), { header: { kid: 'unknown' }, claims: { iat } }),
    );
    for (const path of [REGISTER, RENEW])
      expectError(
        await owner.plain('POST', path, { headers: { 'sec-secure-session-id': owner.kept?.id ?? '' } }),
        503,
        'TEMPORARILY_UNAVAILABLE',
      );
  });

  it('a refresh token next to the cookie of another session does not end its session either', async () => {
    const [owner, other] = [await signedIn(), await signedIn()];
    const token = owner.jar.get(REFRESH_COOKIE) ?? '';
    const { iat } = claimsOf(token);
    const unknown = resign(token, 's'.repeat(48), { header: { kid: 'unknown' }, claims: { iat } });
    const answer = await new Browser(host.origin).send('POST', RENEW, {
      headers: {
        cookie: `${REFRESH_COOKIE}=${unknown}; ${REFRESH_COOKIE}=${other.jar.get(REFRESH_COOKIE)}`,
        'sec-secure-session-id': owner.kept?.id ?? '',
      },
    });
    expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
  });

  it('refuses requests from other sites', async () => {
    const owner = await bound();
    const headers = { origin: 'https://evil.example.net', 'sec-secure-session-id': owner.kept?.id ?? '' };
    for (const path of [REGISTER, RENEW])
      expectError(await owner.send('POST', path, { headers }), 403, 'CROSS_SITE_REQUEST');
  });
});

/** Lets the next read of a session fail, as a database outage does. */
function failOnce(host: HostApp): void {
  const collection = host.connection.db?.collection('refresh_tokens');
  const prototype = Object.getPrototypeOf(collection) as { findOne: (...given: unknown[]) => unknown };
  const original = prototype.findOne;
  prototype.findOne = function (this: { collectionName: string }, ...given) {
    if (this.collectionName !== 'refresh_tokens') return original.apply(this, given);
    prototype.findOne = original;
    return Promise.reject(Object.assign(new Error('socket ended'), { code: 'EPIPE' }));
  };
}
