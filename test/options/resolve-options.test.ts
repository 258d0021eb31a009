import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ANOMALY_RULES } from '../../src/core/anomaly.js';
import { parseDuration } from '../../src/core/duration.js';
import { type AuthOptions, readAuthOptions } from '../../src/options/auth-options.js';
import {
  ConfigurationError,
  type ConfigurationProblem,
  OptionReader,
} from '../../src/options/option-reader.js';
import { checkOptions, resolveOptions } from '../../src/options/resolve-options.js';
import { unknownKeys } from '../../src/options/unknown-keys.js';
import { declaredOptions } from '../../tools/docs-reference.mjs';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';

const newSecret = () => randomBytes(36).toString('base64url');
const ISSUER = 'https://api.example.com';
const MINIMAL: AuthOptions = {
  issuer: ISSUER,
  keys: { access: [newSecret()], refresh: [newSecret(), newSecret()] },
};

/** Options of any shape, as JavaScript or an environment may pass them. */
function options(over: Record<string, unknown> = {}): AuthOptions {
  return { ...MINIMAL, ...over };
}

function problemsOf(given: AuthOptions): readonly ConfigurationProblem[] {
  try {
    resolveOptions(given);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

function namesOfOptions() {
  const read = new OptionReader<AuthOptions>({});
  readAuthOptions(read);
  return read.names;
}

function keysOf(given: AuthOptions): string[] {
  return problemsOf(given).map(({ key }) => key);
}

describe(resolveOptions.name, () => {
  describe('with only an issuer and keys', () => {
    it.each(documentedOptions())(
      '$path defaults to what its documentation says: $documented',
      ({ path, documented }) => {
        if (documented === null) throw new Error(`${path} has no @default`);
        const { value, isDuration } = resolvedAt(path);
        if (Object.hasOwn(SUPPLIED, documented)) expect(value).toEqual(SUPPLIED[documented]);
        else expect(value).toEqual(isDuration ? parseDuration(literal(documented)) : literal(documented));
      },
    );

    it('every option with a default documents it', () => {
      const documented = documentedOptions().map(({ path }) => path);
      const resolved = leafPaths(resolveOptions(MINIMAL)).map((path) => path.replace(/Ms$/, ''));
      const renamed = resolved.map((path) => (path === 'fingerprint.keys' ? 'fingerprint.key' : path));
      const expected = [...documented, 'issuer', 'keys.access', 'keys.refresh'];
      expect(renamed.filter((path) => !DERIVED.has(path)).sort()).toEqual(expected.sort());
    });
  });

  it("accepts the application's rules instead of its own, if their names are unique", () => {
    const mine = { name: 'mine', examine: () => null };
    const rules = [...ANOMALY_RULES, mine];
    expect(resolveOptions({ ...MINIMAL, anomaly: { rules } }).anomaly.rules).toEqual(rules);
    expect(resolveOptions({ ...MINIMAL, anomaly: { rules: [] } }).anomaly.rules).toEqual([]);
    expect(keysOf({ ...MINIMAL, anomaly: { rules: [mine, mine] } })).toEqual(['anomaly.rules']);
    expect(keysOf(options({ anomaly: { rules: 'all' } }))).toEqual(['anomaly.rules']);
  });

  it('has no audit log if it is turned off', () => {
    expect(resolveOptions({ ...MINIMAL, audit: false }).audit).toBeNull();
  });

  it('reads durations as text and as seconds, and converts them to milliseconds', () => {
    const resolved = resolveOptions({
      ...MINIMAL,
      accessToken: { ttl: 60 },
      refreshToken: { idleTtl: '2d', absoluteTtl: '60d', gracePeriod: '1.5s', lostResponseWindow: 0 },
      revocation: { pollInterval: '250ms', maxStaleness: '5s' },
    });
    expect(resolved.accessToken.ttlMs).toBe(60_000);
    expect(resolved.refreshToken).toMatchObject({
      idleTtlMs: 172_800_000,
      absoluteTtlMs: 5_184_000_000,
      gracePeriodMs: 1500,
      lostResponseWindowMs: 0,
    });
    expect(resolved.revocation).toMatchObject({ pollIntervalMs: 250, maxStalenessMs: 5000 });
  });

  it('an application may have shorter lifetimes, but not longer ones, because it names itself', () => {
    const ttlByApp = { kiosk: '2m', desk: 300 };
    const { accessToken } = resolveOptions(options({ accessToken: { ttl: '5m', ttlByApp } }));
    expect([...accessToken.ttlByAppMs]).toEqual([
      ['kiosk', 120_000],
      ['desk', 300_000],
    ]);
    expect(keysOf(options({ accessToken: { ttl: '1m', ttlByApp: { kiosk: '61s', odd: 'soon' } } }))).toEqual([
      'accessToken.ttlByApp.kiosk',
      'accessToken.ttlByApp.odd',
    ]);
    for (const ttlByApp of [['2m'], '2m', null])
      expect(keysOf(options({ accessToken: { ttlByApp } }))).toEqual(['accessToken.ttlByApp']);
  });

  it('does not treat false as missing', () => {
    const { refreshToken } = resolveOptions(
      options({ refreshToken: { sliding: false, cookie: { secure: false } } }),
    );
    expect(refreshToken.sliding).toBe(false);
    expect(refreshToken.cookie.secure).toBe(false);
  });

  it('keeps the order of the keys: the first one signs', () => {
    const [first, second] = [newSecret(), newSecret()];
    const kids = (access: string[]) =>
      resolveOptions(options({ keys: { ...MINIMAL.keys, access } })).keys.access.map(({ kid }) => kid);
    expect(kids([second, first])).toEqual(kids([first, second]).reverse());
  });

  describe('reports', () => {
    it('every problem at once, each with its key, the given value and the fix', () => {
      const problems = problemsOf(
        options({
          issuer: 'api.example.com',
          keys: { access: ['short'], refresh: [] },
          accessToken: { ttl: '15 minutes' },
          refreshToken: {
            idleTtl: -1,
            sliding: 'yes',
            reuse: 'ignore',
            cookie: { path: 'auth', sameSite: 'Strict' },
          },
          sessions: { maxPerUser: 0 },
          revocation: { pollInterval: '1ms' },
          fingerprint: { mode: 'strict', features: ['user-agent', 'cookie'], key: 'short' },
          anomaly: { action: 'revoke', rules: [{ name: 'mine' }] },
          audit: { retention: '1h', rotations: 1 },
          password: { minLength: 4, bcryptCost: 31 },
          trustedOrigins: ['https://app.example.com/'],
        }),
      );
      expect(problems.map(({ key, value }) => [key, value])).toEqual([
        ['issuer', "'api.example.com'"],
        ['keys.access[0]', '(secret)'],
        ['keys.refresh', '(not set)'],
        ['accessToken.ttl', "'15 minutes'"],
        ['refreshToken.idleTtl', '-1'],
        ['refreshToken.sliding', "'yes'"],
        ['refreshToken.reuse', "'ignore'"],
        ['refreshToken.cookie.path', "'auth'"],
        ['refreshToken.cookie.sameSite', "'Strict'"],
        ['sessions.maxPerUser', '0'],
        ['revocation.pollInterval', "'1ms'"],
        ['fingerprint.mode', "'strict'"],
        ['fingerprint.features', "'cookie'"],
        ['fingerprint.key', '(secret)'],
        ['anomaly.action', "'revoke'"],
        ['anomaly.rules', '(list)'],
        ['password.minLength', '4'],
        ['password.bcryptCost', '31'],
        ['audit.retention', "'1h'"],
        ['audit.rotations', '1'],
        ['trustedOrigins', "'https://app.example.com/'"],
      ]);
      for (const { fix } of problems) expect(fix).toMatch(/\b(give|use|set|random)\b/);
    });

    it.each([undefined, null, 'text', []])(
      'options of the wrong type, as a factory may return them: %j',
      (given) => {
        const keys = problemsOf(given as unknown as AuthOptions).map(({ key }) => key);
        expect(keys).toEqual(['issuer', 'keys.access', 'keys.refresh']);
      },
    );

    it('unknown options at every level with the likely intended name, along with all other problems', () => {
      const problems = problemsOf(
        options({
          acessToken: { ttl: '1h' },
          refreshToken: { gracePerod: 30, cookie: { sameSight: 'lax' }, sliding: 'yes' },
          throttle: { login: { limt: 5, limit: 5, window: '1m' } },
          password: { pepper: ['salt'] },
          keys: { ...MINIMAL.keys, secret: 'hunter2-hunter2' },
        }),
      );
      expect(
        problems.map(({ key, value, fix }) => [key, value, fix.replace(/.*: (?=did|remove)/, '')]),
      ).toEqual([
        ['keys.secret', '(text, not shown)', 'remove it; there are access, refresh'],
        ['acessToken', '(object)', 'did you mean accessToken?'],
        ['refreshToken.gracePerod', '30', 'did you mean gracePeriod?'],
        ['refreshToken.cookie.sameSight', '(text, not shown)', 'did you mean sameSite?'],
        ['throttle.login.limt', '5', 'did you mean limit?'],
        ['password.pepper', '(list)', expect.stringMatching(/^remove it; there are minLength, maxLength, /)],
        ['refreshToken.sliding', "'yes'", 'give true or false'],
      ]);
      expect(JSON.stringify(problems)).not.toContain('hunter2');
    });

    it.each(documentedOptions().map(({ path }) => path))('%s with an additional letter', (path) => {
      const names = path.split('.');
      const last = `${names.pop()}x`;
      const group = names.reduceRight<object>((inner, name) => ({ [name]: inner }), { [last]: 1 });
      expect(unknownKeys(group, namesOfOptions())).toEqual([
        { key: `${path}x`, value: '1', fix: `there is no such option: did you mean ${last.slice(0, -1)}?` },
      ]);
    });

    it("nothing inside the host's own objects, such as properties of a store or a clock", () => {
      const clock = { now: () => 0, zone: 'UTC' };
      expect(
        problemsOf(options({ clock, revocation: { store: { add() {}, read() {}, extra: 1 } } })),
      ).toEqual([]);
    });

    it('everything in one message that an operator can read', () => {
      const error = new ConfigurationError([
        { key: 'issuer', value: '(not set)', fix: 'give it' },
        { key: 'password.minLength', value: '4', fix: 'give more' },
      ]);
      expect(error.message).toBe(
        'The configuration has 2 problems:\n  - issuer = (not set): give it\n  - password.minLength = 4: give more',
      );
      expect(error.name).toBe('ConfigurationError');
    });

    it('no secret: neither a refused key nor the keys next to it', () => {
      const [good, weak, fingerprintKey] = [newSecret(), 'hunter2-hunter2', 'fingerprint-hunter3'];
      const jwk = {
        ...generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' }),
      };
      const given = options({
        keys: { access: [good, weak, good, jwk], refresh: [good, weak] },
        fingerprint: { key: fingerprintKey },
      });
      const error = new ConfigurationError(problemsOf(given));
      expect(error.problems.map(({ key }) => key)).toEqual([
        'keys.access[1]',
        'keys.access[3]',
        'keys.access',
        'keys.refresh[1]',
        'keys.refresh[0]',
        'fingerprint.key',
      ]);
      for (const secret of [good, weak, fingerprintKey, String(jwk.d), String(jwk.n)])
        expect(JSON.stringify(error.problems) + error.message).not.toContain(secret);
    });

    it.each([undefined, '', 'api.example.com', '/auth', 'ftp://example.com', 'javascript:alert(1)', 5, null])(
      'an issuer that is not the URL of a service: %p',
      (issuer) => {
        expect(keysOf(options({ issuer }))).toEqual(['issuer']);
      },
    );

    it.each([undefined, {}, { access: [] }, { access: 'x', refresh: 'y' }])('missing keys: %j', (keys) => {
      expect(keysOf(options({ keys }))).toEqual(['keys.access', 'keys.refresh']);
    });

    it('an access key that is also a refresh key: one leak would reveal both (J7)', () => {
      const [shared, other] = [newSecret(), newSecret()];
      expect(keysOf(options({ keys: { access: [shared], refresh: [shared] } }))).toEqual(['keys.refresh[0]']);
      expect(keysOf(options({ keys: { access: [other, shared], refresh: [newSecret(), shared] } }))).toEqual([
        'keys.refresh[1]',
      ]);
      const sharedJwk = { kty: 'oct', k: Buffer.from(shared).toString('base64url'), kid: 'another' };
      expect(keysOf(options({ keys: { access: [shared], refresh: [sharedJwk] } }))).toEqual([
        'keys.refresh[0]',
      ]);
    });

    it('the public half of a refresh key among the access keys', () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const access = [newSecret(), publicKey.export({ format: 'jwk' })];
      const refresh = [privateKey.export({ format: 'jwk' })];
      expect(keysOf(options({ keys: { access, refresh } }))).toEqual(['keys.refresh[0]']);
    });

    it('two keys with one kid: a token could not say which of them signed it', () => {
      const jwk = (kid: string) => ({ kty: 'oct', k: newSecret(), kid });
      expect(keysOf(options({ keys: { ...MINIMAL.keys, access: [jwk('a'), jwk('a')] } }))).toEqual([
        'keys.access',
      ]);
      expect(keysOf(options({ keys: { ...MINIMAL.keys, access: [jwk('a'), jwk('b')] } }))).toEqual([]);
    });

    it('a first key that cannot sign, while a later key that only verifies is accepted', () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const retired = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
      const keysWith = (access: object[]) => options({ keys: { ...MINIMAL.keys, access } });
      expect(keysOf(keysWith([publicKey.export({ format: 'jwk' })]))).toEqual(['keys.access[0]']);
      expect(keysOf(keysWith([privateKey.export({ format: 'jwk' }), retired]))).toEqual([]);
    });

    it.each([
      ['accessToken', 'ttl', '999ms'],
      ['refreshToken', 'idleTtl', 0],
      ['refreshToken', 'absoluteTtl', '0s'],
      ['refreshToken', 'gracePeriod', '-1s'],
      ['refreshToken', 'lostResponseWindow', 'never'],
      ['revocation', 'pollInterval', '49ms'],
      ['revocation', 'maxStaleness', '11y'],
      ['sessions', 'maxPerUser', 1001],
      ['sessions', 'maxPerUser', '20'],
      ['sessions', 'maxPerUser', 1.5],
      ['password', 'minLength', 7],
      ['password', 'minLength', 65],
      ['password', 'maxLength', 63],
      ['password', 'bcryptCost', 3],
      ['password', 'hashConcurrency', 0],
      ['password', 'hashQueueLimit', 0],
      ['password', 'bcryptCost', NaN],
      ['refreshToken', 'sliding', 'false'],
      ['refreshToken', 'allowBodyTransport', 1],
      ['refreshToken', 'reuseScope', 'toString'],
    ])('%s.%s = %p as a problem', (group, name, value) => {
      expect(keysOf(options({ [group]: { [name]: value } }))).toEqual([`${group}.${name}`]);
    });

    it.each([
      ['path', 'auth'],
      ['path', '/a b'],
      ['path', '/; Domain=evil.example'],
      ['path', ''],
      ['domain', 'https://example.com'],
      ['domain', 'example.com; Path=/'],
      ['domain', ''],
      ['secure', 'no'],
      ['sameSite', 'None'],
    ])('a cookie whose %s is %j', (name, value) => {
      expect(keysOf(options({ refreshToken: { cookie: { [name]: value } } }))).toEqual([
        `refreshToken.cookie.${name}`,
      ]);
    });

    it('device-bound sessions with a cookie or store that does not support them', () => {
      const bound = (over: object) => keysOf(options({ refreshToken: { deviceBound: 'optional', ...over } }));
      const without = Object.assign(new InMemoryRefreshTokenStore(), { bindDevice: undefined });
      expect(bound({})).toEqual([]);
      expect(bound({ store: new InMemoryRefreshTokenStore() })).toEqual([]);
      expect(bound({ store: without })).toEqual(['refreshToken.deviceBound']);
      expect(keysOf(options({ refreshToken: { store: without } }))).toEqual([]);
      expect(bound({ cookie: { partitioned: true, sameSite: 'none' } })).toEqual([
        'refreshToken.deviceBound',
      ]);
    });

    it('SameSite=None without Secure, which browsers silently refuse', () => {
      const cookie = (secure: boolean) => options({ refreshToken: { cookie: { sameSite: 'none', secure } } });
      expect(keysOf(cookie(false))).toEqual(['refreshToken.cookie.sameSite']);
      expect(keysOf(cookie(true))).toEqual([]);
    });

    it.each([
      'https://app.example.com/',
      'https://app.example.com/x',
      'app.example.com',
      '*',
      'null',
      'HTTPS://APP.EXAMPLE.COM',
      'https://*',
      'https://app.*.com',
      'https://*.*.example.com',
      'https://x*.example.com',
      'https://*.example.com/',
      'capacitor://*.example.com',
      // Domains under which anybody can get a name.
      'https://*.com',
      'https://*.co.uk',
      'https://*.vercel.app',
    ])('a trusted origin that no browser would ever send: %j', (origin) => {
      expect(keysOf(options({ trustedOrigins: ['https://ok.example.com', origin] }))).toEqual([
        'trustedOrigins',
      ]);
    });
  });

  describe('returns options', () => {
    it('that nobody can change, at any depth', () => {
      const resolved = resolveOptions(
        options({
          keys: {
            ...MINIMAL.keys,
            access: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })],
          },
        }),
      );
      const open = objectsIn(resolved).filter((value) => !Object.isFrozen(value));
      expect(open).toEqual([]);
      expect(() => Object.assign(resolved.refreshToken, { sliding: false })).toThrow(TypeError);
    });

    it('that do not change when the host changes its input', () => {
      const features: ('user-agent' | 'address')[] = ['user-agent'];
      const trustedOrigins = ['https://app.example.com'];
      const resolved = resolveOptions({ ...MINIMAL, fingerprint: { features }, trustedOrigins });
      features.push('address');
      trustedOrigins.push('https://evil.example');
      expect(resolved.fingerprint.features).toEqual(['user-agent']);
      expect(resolved.trustedOrigins).toEqual(['https://app.example.com']);
    });

    it("without freezing the host's objects: its clock can change, and its JWKs and lists are not frozen", () => {
      const clock = { at: 0, now: () => clock.at };
      class Ticking {
        at = 0;
        now() {
          return this.at;
        }
      }
      const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
      const given = { ...MINIMAL, keys: { ...MINIMAL.keys, access: [jwk] } };
      const resolved = resolveOptions({ ...given, clock });
      clock.at = 5;
      expect(resolved.clock).toBe(clock);
      expect(resolved.clock?.now()).toBe(5);
      const ticking = new Ticking();
      expect(resolveOptions({ ...given, clock: ticking }).clock).toBe(ticking);
      for (const own of [clock, ticking, jwk, given, given.keys, given.keys.access])
        expect(Object.isFrozen(own)).toBe(false);
    });

    it('with the host’s own stores and hasher, unchanged', () => {
      const store = {
        hasAny: async () => false,
        add: async () => {},
        read: async () => ({ entries: [], mark: { at: new Date(0) } }),
      };
      const hasher = { hash: async () => '', verify: async () => false, needsUpgrade: () => false };
      const resolved = resolveOptions({ ...MINIMAL, revocation: { store }, password: { hasher } });
      expect(resolved.revocation.store).toBe(store);
      expect(resolved.password.hasher).toBe(hasher);
      expect(Object.isFrozen(store) || Object.isFrozen(hasher)).toBe(false);
    });

    it('with one fingerprint key per refresh key, different from it and from each other', () => {
      const [first, second] = [newSecret(), newSecret()];
      const keysFor = (refresh: string[]) =>
        resolveOptions(options({ keys: { ...MINIMAL.keys, refresh } })).fingerprint.keys.map((key) =>
          Buffer.from(key).toString('hex'),
        );
      const ring = keysFor([first, second]);
      expect(ring).toEqual([...keysFor([first]), ...keysFor([second])]);
      expect(new Set(ring).size).toBe(2);
      expect(ring.join()).not.toContain(Buffer.from(first).toString('hex').slice(0, 32));
    });

    it('with blocked passwords in the case in which they are compared', () => {
      const { password } = resolveOptions(options({ password: { blocklist: ['Silent-Auth', 'ACME'] } }));
      expect([...password.blocklist]).toEqual(['silent-auth', 'acme']);
    });

    it('with only the given fingerprint key, if there is one', () => {
      const key = newSecret();
      expect(resolveOptions(options({ fingerprint: { key } })).fingerprint.keys).toEqual([Buffer.from(key)]);
    });
  });
});

describe(checkOptions.name, () => {
  it('returns the problems as values, for checks before the boot', () => {
    expect(checkOptions(MINIMAL)).toEqual([]);
    expect(checkOptions(options({ issuer: 'x', sessions: { maxPerUser: 0 } })).map(({ key }) => key)).toEqual(
      ['issuer', 'sessions.maxPerUser'],
    );
  });
});

describe('malformed options', () => {
  const keys = {
    access: ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'],
    refresh: ['nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk'],
  };

  it.each([
    ['keys.access[0]', { keys: { ...keys, access: [undefined] } }],
    ['fingerprint.features', { fingerprint: { features: 5 } }],
    ['fingerprint.key', { fingerprint: { key: 5 } }],
    ['fingerprint.key', { fingerprint: { key: 'x'.repeat(40) } }],
    ['trustedOrigins', { trustedOrigins: 'https://app.example.com' }],
    ['trustedOrigins', { trustedOrigins: { 'https://app.example.com': true } }],
    ['password.blocklist', { password: { blocklist: [5] } }],
    ['password', { password: 'secret' }],
    ['sessions', { sessions: [20] }],
    ['password.breachCheck', { password: { breachCheck: true } }],
    ['password.breachCheckTimeout', { password: { breachCheckTimeout: 0 } }],
    ['sessions.maxPerUser', { sessions: { maxPerUser: 5n } }],
    ['audience', { audience: '' }],
    ['revocation.pollInterval', { revocation: { pollInterval: '1m', maxStaleness: '30s' } }],
    ['accessToken.retirePrevious', { accessToken: { retirePrevious: true }, revocation: { mode: 'off' } }],
    ['emailVerification', { emailVerification: 'required' }],
  ])('%s is reported, and nothing is thrown', (key, odd) => {
    const problems = checkOptions({ issuer: 'https://a.example', keys, ...odd } as unknown as AuthOptions);
    expect(problems.map((problem) => problem.key)).toEqual([key]);
  });

  it('app shells may be trusted origins', () => {
    const trustedOrigins = ['capacitor://localhost'];
    expect(checkOptions({ issuer: 'https://a.example', keys, trustedOrigins })).toEqual([]);
  });
});

/** The resolved value of each default that the documentation describes in prose. */
const SUPPLIED: Record<string, unknown> = {
  'the issuer': ISSUER,
  none: null,
  'none: the exact host': null,
  'none: the usual places': null,
  'none: every application has the same lifetime': new Map(),
  // `null`: the module supplies these.
  bcrypt: null,
  ANOMALY_RULES,
  "cores − 1, at least 1, and one less than the threads of libuv's pool": null,
  "the `users` collection on your application's connection": null,
  'none: no mail is sent': null,
  "the `revocations` collection on your application's connection": null,
  "the `refresh_tokens` collection on your application's connection": null,
  "a monotonic clock that follows the database's time": null,
  'the idle lifetime': 7 * 86_400_000,
  'derived from each refresh key': MINIMAL.keys.refresh.map(() => expect.any(Uint8Array)),
};

/** Derived from the keys, so nobody configures them. */
const DERIVED: ReadonlySet<string> = new Set(['deviceKeys', 'proofNonceKeys', 'fingerprint.areKeysDerived']);

interface DocumentedOption {
  readonly path: string;
  /** The text of `@default`; `null` if there is none. */
  readonly documented: string | null;
}

/** Every optional option that is not a group of options, with each part of its `@default`. */
function documentedOptions(): DocumentedOption[] {
  return declaredOptions().flatMap(({ path, isRequired, fallback }): DocumentedOption[] => {
    if (isRequired) return [];
    if (!fallback?.startsWith('{')) return [{ path, documented: fallback }];
    return Object.entries(literal(fallback) as object).map(([name, value]) => ({
      path: `${path}.${name}`,
      documented: JSON.stringify(value),
    }));
  });
}

/** Parses a literal in a `@default`: quoted text, a number, true or false, a list, an object. */
function literal(documented: string): unknown {
  try {
    return JSON.parse(documented.replaceAll("'", '"').replace(/(\w+):/g, '"$1":'));
  } catch {
    throw new Error(`@default ${documented} is neither a literal nor known prose`);
  }
}

/** The resolved default of an option; durations are resolved under a name with their unit. */
function resolvedAt(path: string): { value: unknown; isDuration: boolean } {
  const names = path.split('.');
  const last = names.pop() ?? '';
  const group = names.reduce<Record<string, unknown>>(
    (inner, name) => inner[name] as Record<string, unknown>,
    resolveOptions(MINIMAL) as unknown as Record<string, unknown>,
  );
  if (Object.hasOwn(group, `${last}Ms`)) return { value: group[`${last}Ms`], isDuration: true };
  const value = path === 'fingerprint.key' ? group['keys'] : group[last];
  const isList = value instanceof Set || value instanceof Map;
  return { value: isList ? [...(value as Iterable<unknown>)] : value, isDuration: false };
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function leafPaths(value: Record<string, unknown> | object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, inner]) =>
    isGroup(inner) ? leafPaths(inner, `${prefix}${name}.`) : [prefix + name],
  );
}

/** Plain objects and lists at every depth, without those of the platform or the host. */
function objectsIn(value: unknown): object[] {
  if (!isGroup(value) && !Array.isArray(value)) return [];
  return [value, ...Object.values(value).flatMap(objectsIn)];
}
