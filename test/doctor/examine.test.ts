import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { examine, examineOptions } from '../../src/doctor/checks/examine.js';
import type { DatabaseFacts, DoctorFacts, IndexFact } from '../../src/doctor/checks/facts.js';
import { FINDINGS } from '../../src/doctor/checks/finding.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { resolveOptions } from '../../src/options/resolve-options.js';

const secret = () => randomBytes(48).toString('base64url');

const SOUND: AuthOptions = {
  issuer: 'https://api.example.com',
  keys: { access: [secret(), secret()], refresh: [secret()] },
};

const index = (over: Partial<IndexFact> = {}): IndexFact => ({
  collection: 'refresh_tokens',
  index: '{ expiresAt: 1 }',
  wanted: { key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  isTtl: true,
  state: 'ok',
  found: null,
  overdueMs: 0,
  ...over,
});
const EMAIL = {
  collection: 'users',
  index: '{ email: 1 }',
  wanted: { key: { email: 1 }, unique: true },
  isTtl: false,
} as const;
const USER = {
  collection: 'refresh_tokens',
  index: '{ userId: 1, lastUsedAt: -1 }',
  wanted: { key: { userId: 1, lastUsedAt: -1 } },
  isTtl: false,
} as const;

const DATABASE: DatabaseFacts = {
  kind: 'replica set',
  clockLeadMs: 40,
  buildsIndexes: true,
  indexes: [index(), index(EMAIL), index(USER)],
  foreignIndexes: [],
  foreignDocuments: [],
  users: null,
};
const HOST: DoctorFacts['host'] = {
  refreshPaths: ['/auth/refresh'],
  proxyTrust: 'some',
  hasIgnoredProxy: false,
  shadowedRoutes: [],
};
const HASHING = { hashMs: 230, concurrency: 3, threads: 4 };

interface Case {
  readonly options?: Partial<AuthOptions>;
  readonly environment?: string | null;
  readonly database?: Partial<DatabaseFacts> | DoctorFacts['database'];
  readonly host?: Partial<DoctorFacts['host']>;
  readonly hashing?: Partial<typeof HASHING> | null;
}

function factsOf({ options, environment = 'production', database, host, hashing }: Case): DoctorFacts {
  return {
    options: resolveOptions({ ...SOUND, ...options }),
    environment,
    database:
      database === null || (database && 'reason' in database)
        ? database
        : { ...DATABASE, ...(database as Partial<DatabaseFacts>) },
    host: { ...HOST, ...host },
    hashing: hashing === null ? null : { ...HASHING, ...hashing },
  };
}

const codesOf = (given: Case) => examine(factsOf(given)).map(({ code }) => code);
const cookie = (over: NonNullable<NonNullable<AuthOptions['refreshToken']>['cookie']>) => ({
  refreshToken: { cookie: over },
});
const first = secret();

const CASES: readonly (readonly [string, readonly string[], Case])[] = [
  ['a sound production', [], {}],
  [
    'a sound development',
    [],
    {
      environment: 'development',
      options: { issuer: 'http://localhost:3000', ...cookie({ secure: false }) },
      host: { proxyTrust: 'none' },
    },
  ],
  [
    'no facts about host, database and hashing',
    [],
    { database: null, hashing: null, host: { refreshPaths: [], proxyTrust: null } },
  ],

  [
    'a secret of words',
    ['keys.guessable'],
    { options: { keys: { ...SOUND.keys, refresh: ['correcthorsebatterystaplecorrecthorse'] } } },
  ],
  [
    'a secret of words in an oct JWK',
    ['keys.guessable'],
    {
      options: {
        keys: {
          ...SOUND.keys,
          access: [
            { kty: 'oct', k: Buffer.from('acme corporation tokens for everybody').toString('base64url') },
          ],
        },
      },
    },
  ],
  [
    'a fingerprint key of words',
    ['keys.guessable'],
    { options: { fingerprint: { key: 'acme-corporation-fingerprints-for-all' } } },
  ],
  [
    'a refresh secret that contains the access secret',
    ['keys.related'],
    { options: { keys: { access: [first], refresh: [`${first}-refresh`] } } },
  ],
  [
    'an RSA key of 2048 bits',
    ['keys.rsa-short'],
    { options: { keys: { ...SOUND.keys, access: [rsa(2048)] } } },
  ],
  ['an RSA key of 3072 bits', [], { options: { keys: { ...SOUND.keys, access: [rsa(3072)] } } }],

  [
    'a missing TTL index',
    ['database.ttl-index'],
    { database: { indexes: [index({ state: 'missing', overdueMs: null })] } },
  ],
  [
    'a TTL index without expiry',
    ['database.ttl-index'],
    { database: { indexes: [index({ state: 'different', found: 'no options' })] } },
  ],
  [
    'a missing unique index',
    ['database.unique-index'],
    { database: { indexes: [index({ ...EMAIL, state: 'missing' })] } },
  ],
  ['a missing index', ['database.index'], { database: { indexes: [index({ ...USER, state: 'missing' })] } }],
  [
    'removals overdue by 11 minutes',
    ['database.ttl-overdue'],
    { database: { indexes: [index({ overdueMs: 660_000 })] } },
  ],
  ['removals overdue by 9 minutes', [], { database: { indexes: [index({ overdueMs: 540_000 })] } }],
  ['a standalone server', ['database.standalone'], { database: { kind: 'standalone' } }],
  ['a sharded cluster', [], { database: { kind: 'sharded cluster' } }],
  ['a clock ahead by 11 s', ['database.clock'], { database: { clockLeadMs: 11_000 } }],
  ['a clock behind by 11 s', ['database.clock'], { database: { clockLeadMs: -11_000 } }],
  ['a clock behind by 9 s', [], { database: { clockLeadMs: -9_000 } }],
  ['an unreachable database', ['database.unreachable'], { database: { isUnreachable: true, reason: 'x' } }],
  [
    'a database that refuses',
    ['database.unexamined'],
    { database: { isUnreachable: false, reason: 'Unauthorized' } },
  ],

  ['all proxies trusted', ['proxy.trusts-all'], { host: { proxyTrust: 'all' } }],
  ['no proxy trusted', [], { host: { proxyTrust: 'none' } }],
  [
    'a proxy that is not trusted',
    ['proxy.not-trusted'],
    { host: { hasIgnoredProxy: true, proxyTrust: 'none' } },
  ],

  [
    'two controllers on one route',
    ['routes.shadowed'],
    { host: { shadowedRoutes: [{ method: 'GET', path: '/auth/me', by: '/auth/:id' }] } },
  ],

  [
    'a cookie path that does not cover the route',
    ['cookie.path'],
    { options: cookie({ path: '/auth' }), host: { refreshPaths: ['/api/auth/refresh'] } },
  ],
  [
    'a cookie path that does not cover the version',
    ['cookie.path'],
    { options: cookie({ path: '/auth' }), host: { refreshPaths: ['/v1/auth/refresh'] } },
  ],
  ['a cookie path that is half a segment', ['cookie.path-prefix'], { options: cookie({ path: '/au' }) }],
  [
    'a cookie path above the route',
    [],
    { options: cookie({ path: '/api' }), host: { refreshPaths: ['/api/auth/refresh'] } },
  ],
  [
    'a cookie path with a trailing slash',
    [],
    { options: cookie({ path: '/api/' }), host: { refreshPaths: ['/api/auth/refresh'] } },
  ],
  [
    'a cookie path that is the route, so logout gets no cookie',
    ['cookie.path-logout'],
    { options: cookie({ path: '/auth/refresh' }) },
  ],
  [
    'the same below a prefix that a proxy removes',
    ['cookie.path-logout'],
    { options: cookie({ path: '/api/auth/refresh' }) },
  ],
  [
    'a cookie path that is only a prefix, which a proxy may remove',
    ['cookie.path-prefix'],
    { options: cookie({ path: '/api' }) },
  ],
  [
    'such a prefix of two segments',
    ['cookie.path-prefix'],
    { options: cookie({ path: '/services/id' }), host: { refreshPaths: ['/v1/auth/refresh'] } },
  ],
  [
    'such a prefix that is part of the issuer',
    [],
    { options: { issuer: 'https://example.com/api', ...cookie({ path: '/api' }) } },
  ],
  ['a cookie path with a prefix that a proxy removes', [], { options: cookie({ path: '/api/auth' }) }],
  [
    'a cookie path that begins with the path of the issuer',
    [],
    { options: { issuer: 'https://example.com/id', ...cookie({ path: '/id' }) } },
  ],
  [
    'a route of the host, whose path is unknown',
    [],
    { options: cookie({ path: '/session' }), host: { refreshPaths: [] } },
  ],
  ['a cookie domain of another site', ['cookie.domain'], { options: cookie({ domain: 'example.org' }) }],
  [
    'a cookie domain that is only a textual suffix',
    ['cookie.domain'],
    { options: cookie({ domain: 'ample.com' }) },
  ],
  ['a cookie domain that is a top-level one', ['cookie.domain'], { options: cookie({ domain: 'com' }) }],
  [
    'a cookie domain that is a public suffix of two labels',
    ['cookie.domain'],
    { options: { issuer: 'https://auth.example.co.uk', ...cookie({ domain: 'co.uk' }) } },
  ],
  [
    'a cookie domain that all customers of a hoster share',
    ['cookie.domain'],
    { options: { issuer: 'https://shop.onrender.com', ...cookie({ domain: '.onrender.com' }) } },
  ],
  [
    'a cookie domain that is the host itself, without a registrable domain',
    [],
    {
      environment: 'development',
      options: { issuer: 'http://localhost:3000', ...cookie({ domain: 'localhost', secure: false }) },
    },
  ],
  ['a cookie domain above the issuer', [], { options: cookie({ domain: '.Example.com' }) }],
  [
    'a Secure cookie from plain HTTP',
    ['cookie.secure-on-http', 'issuer.insecure'],
    { options: { issuer: 'http://auth.example.com' } },
  ],
  [
    'a Secure cookie from localhost',
    ['cookie.secure-on-localhost'],
    { environment: 'development', options: { issuer: 'http://localhost:3000' } },
  ],
  ['a cookie without Secure', ['cookie.not-secure'], { options: cookie({ secure: false }) }],
  [
    'an origin of another site',
    ['cookie.other-site'],
    { options: { trustedOrigins: ['https://app.example.org'] } },
  ],
  [
    'an origin by another scheme',
    ['cookie.other-site', 'origins.insecure'],
    { options: { trustedOrigins: ['http://app.example.com'] } },
  ],
  [
    'an origin of another site, with SameSite=None',
    [],
    { options: { trustedOrigins: ['https://app.example.org'], ...cookie({ sameSite: 'none' }) } },
  ],
  [
    'an origin of another customer of the same hoster',
    ['cookie.other-site'],
    { options: { issuer: 'https://shop-api.onrender.com', trustedOrigins: ['https://shop.onrender.com'] } },
  ],
  [
    'an origin under the same public suffix of two labels',
    ['cookie.other-site'],
    { options: { issuer: 'https://api.example.co.uk', trustedOrigins: ['https://app.example2.co.uk'] } },
  ],
  [
    'an origin of the same site under such a suffix',
    [],
    { options: { issuer: 'https://api.example.co.uk', trustedOrigins: ['https://app.example.co.uk'] } },
  ],
  [
    'an origin of the same site on a hoster’s shared domain',
    [],
    { options: { issuer: 'https://api.shop.github.io', trustedOrigins: ['https://shop.github.io'] } },
  ],
  [
    'an origin of the same site with a label that registries refuse and browsers accept',
    [],
    { options: { issuer: 'https://api.example.com', trustedOrigins: ['https://preview-.example.com'] } },
  ],
  [
    'an origin of the same name with a trailing dot, which browsers treat as another name',
    ['cookie.other-site'],
    { options: { issuer: 'https://api.example.com', trustedOrigins: ['https://api.example.com.'] } },
  ],
  [
    'addresses that differ only in their last part',
    ['cookie.other-site'],
    { options: { issuer: 'https://[2001:db8::1]', trustedOrigins: ['https://[2001:db8::2]'] } },
  ],
  [
    'names in a private network under one domain',
    [],
    { options: { issuer: 'https://api.corp.internal', trustedOrigins: ['https://app.corp.internal'] } },
  ],
  ['an origin of the same site', [], { options: { trustedOrigins: ['https://app.example.com'] } }],
  ['the origin of an app shell', [], { options: { trustedOrigins: ['capacitor://localhost'] } }],
  [
    'another port of localhost',
    [],
    {
      environment: 'development',
      options: {
        issuer: 'http://localhost:3000',
        trustedOrigins: ['http://localhost:5173'],
        ...cookie({ secure: false }),
      },
    },
  ],
  [
    '127.0.0.1 with an issuer on localhost',
    ['cookie.other-site'],
    {
      environment: 'development',
      options: {
        issuer: 'http://localhost:3000',
        trustedOrigins: ['http://127.0.0.1:5173'],
        ...cookie({ secure: false }),
      },
    },
  ],

  ['a local issuer', ['issuer.local'], { options: { issuer: 'https://localhost' } }],
  ['a public issuer in development', ['environment.not-production'], { environment: 'development' }],
  ['a public issuer without NODE_ENV', ['environment.not-production'], { environment: null }],
  ['a public issuer in a test', [], { environment: 'test' }],

  ['a hash of 20 ms', ['password.cost-low'], { hashing: { hashMs: 20 } }],
  ['a hash of 60 ms', [], { hashing: { hashMs: 60 } }],
  [
    'a cost below 10 on a slow machine',
    ['password.cost-low'],
    { options: { password: { bcryptCost: 9 } }, hashing: { hashMs: 120 } },
  ],
  [
    'a cost of 10 that takes long enough',
    [],
    { options: { password: { bcryptCost: 10 } }, hashing: { hashMs: 60 } },
  ],
  ['a hash of 900 ms', [], { hashing: { hashMs: 900 } }],
  ['a hash of 1.5 s', ['password.cost-high'], { hashing: { hashMs: 1500 } }],
  [
    'a hash of 1.5 s at the least cost',
    [],
    { options: { password: { bcryptCost: 10 } }, hashing: { hashMs: 1500 } },
  ],
  [
    'hashes on every thread of the pool',
    ['password.thread-pool'],
    { options: { password: { hashConcurrency: 4 } } },
  ],
  ['hashes on all threads but one', [], { options: { password: { hashConcurrency: 3 } } }],

  ['access tokens of two hours', ['access-token.long-lived'], { options: { accessToken: { ttl: '2h' } } }],
  ['access tokens of one hour', [], { options: { accessToken: { ttl: '1h' } } }],
  ['shadow mode', ['refresh-token.shadow-mode'], { options: { refreshToken: { reuse: 'report' } } }],
  [
    'required proofs of possession, with pages over plain HTTP',
    ['refresh-token.proof-impossible'],
    {
      options: {
        refreshToken: { senderConstraint: 'required', cookie: { sameSite: 'none' } },
        trustedOrigins: ['http://app.lan'],
      },
    },
  ],
  [
    'required proofs of possession, with pages over HTTPS and from localhost',
    [],
    {
      options: {
        refreshToken: { senderConstraint: 'required', cookie: { sameSite: 'none' } },
        trustedOrigins: ['https://app.example.com', 'http://localhost:5173'],
      },
    },
  ],
  [
    'device-bound sessions without a secure cookie',
    ['cookie.not-secure', 'refresh-token.device-unbound'],
    { options: { refreshToken: { deviceBound: 'optional', cookie: { secure: false } } } },
  ],
  [
    'device-bound sessions with a secure cookie',
    [],
    { options: { refreshToken: { deviceBound: 'optional' } } },
  ],
  [
    'documents and indexes of other software',
    ['database.foreign-documents', 'database.foreign-unique-index', 'database.foreign-index'],
    {
      database: {
        foreignDocuments: [{ collection: 'refresh_tokens', found: 1, lookedAt: 100 }],
        foreignIndexes: [
          { collection: 'users', name: 'a_1', index: '{ a: 1 }', isUnique: true, isPartial: false },
          { collection: 'users', name: 'b_1', index: '{ b: 1 }', isUnique: true, isPartial: true },
          { collection: 'users', name: 'c_1', index: '{ c: 1 }', isUnique: false, isPartial: false },
          { collection: 'revocations', name: 'd_1', index: '{ d: 1 }', isUnique: false, isPartial: false },
        ],
      },
    },
  ],
  [
    'users who cannot log in',
    ['users.unreadable', 'users.email-case', 'users.unknown-hash', 'users.incomplete'],
    {
      database: {
        users: {
          users: 9,
          unreadable: 1,
          mixedCaseEmails: 1,
          unknownHashes: 1,
          incomplete: 1,
          withoutPassword: 1,
        },
      },
    },
  ],
  ['revocation off', ['revocation.off'], { options: { revocation: { mode: 'off' } } }],
  ['throttle off', ['throttle.off'], { options: { throttle: false } }],
  ['audit off', ['audit.off'], { options: { audit: false } }],
];

describe(examine.name, () => {
  it.each(CASES)('%s', (_name, codes, given) => {
    expect(codesOf(given).sort()).toEqual([...codes].sort());
  });

  it('has a case for every code', () => {
    const met = new Set(CASES.flatMap(([, codes]) => codes));
    expect(Object.keys(FINDINGS).filter((code) => !met.has(code))).toEqual(['configuration.refused']);
  });

  it('gives the command that fixes an index', () => {
    const fixOf = (fact: IndexFact, buildsIndexes = true) =>
      examine(factsOf({ database: { indexes: [fact], buildsIndexes } }))[0]?.fix;
    expect(fixOf(index({ ...EMAIL, state: 'missing' }))).toBe(
      'in mongosh: db.users.createIndex({"email":1}, {"unique":true}); the service also builds it when it starts',
    );
    expect(fixOf(index({ state: 'missing' }), false)).toBe(
      'in mongosh: db.refresh_tokens.createIndex({"expiresAt":1}, {"expireAfterSeconds":0}); the service builds no indexes itself, because autoIndex is false on its connection',
    );
    expect(fixOf(index({ state: 'different', collection: 'my-tokens' }))).toBe(
      'in mongosh: db.getCollection("my-tokens").dropIndex({"expiresAt":1}); db.getCollection("my-tokens").createIndex({"expiresAt":1}, {"expireAfterSeconds":0})',
    );
  });

  it('suggests a cost that takes about a quarter of a second, at least 10', () => {
    const fixOf = (hashMs: number, bcryptCost: number) =>
      examine(factsOf({ options: { password: { bcryptCost } }, hashing: { hashMs } }))[0]?.fix;
    expect(fixOf(20, 8)).toMatch(/^set it to 12, which takes about 320 ms/);
    expect(fixOf(4000, 14)).toMatch(/^set it to 10, which takes about 250 ms/);
    expect(fixOf(400, 8)).toMatch(/^set it to 10, which takes about 1600 ms/);
    expect(fixOf(4000, 11)).toMatch(/^set it to 10, which takes about 2000 ms/);
    const [finding] = examine(factsOf({ hashing: { hashMs: 2000 } }));
    expect(finding?.message).toContain('1.5 logins per second (3 at once)');
  });

  it('reports nothing about a hasher of the host', () => {
    const hasher = { hash: async () => '', verify: async () => true, needsUpgrade: () => false };
    expect(codesOf({ options: { password: { hasher } }, hashing: { hashMs: 1 } })).toEqual([]);
  });

  it('returns the worst findings first', () => {
    const severities = examine(
      factsOf({ options: { audit: false, throttle: false, ...cookie({ secure: false }) } }),
    ).map(({ severity }) => severity);
    expect(severities).toEqual(['error', 'warning', 'info']);
  });
});

describe(examineOptions.name, () => {
  it('returns every problem that keeps the module from starting', () => {
    const findings = examineOptions({
      issuer: 'nowhere',
      keys: { access: ['short'], refresh: [] },
      ...cookie({ sameSite: 'none', secure: false }),
    });
    expect(findings.map(({ subject, severity }) => [subject, severity])).toEqual([
      ['issuer', 'error'],
      ['keys.access[0]', 'error'],
      ['keys.refresh', 'error'],
      ['refreshToken.cookie.sameSite', 'error'],
    ]);
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['configuration.refused']));
  });

  it('returns findings about options that do not keep the module from starting', () => {
    expect(examineOptions(SOUND, 'production')).toEqual([]);
    expect(examineOptions({ ...SOUND, throttle: false }, 'production').map(({ code }) => code)).toEqual([
      'throttle.off',
    ]);
  });

  it('never shows a secret', () => {
    const words = ['acme', 'horse', 'battery', 'summer', 'token', 'kitchen', 'monday', 'office'];
    for (let run = 0; run < 200; run += 1) {
      const pick = () =>
        Array.from({ length: 8 }, () => words[randomBytes(1).readUInt8() % 8]).join(String(run));
      const [access, refresh, print] = [pick(), pick(), pick()];
      const keys = {
        access: [access, run % 3 === 0 ? 'too-short' : secret()],
        refresh: [refresh, `${access}x`],
      };
      const shown = JSON.stringify(
        examineOptions({ issuer: 'http://x.example.com', keys, fingerprint: { key: print } }),
      );
      expect(shown.length).toBeGreaterThan(50);
      for (const hidden of [access, refresh, print, ...keys.access])
        expect(shown).not.toContain(hidden.slice(0, 9));
    }
  });
});

function rsa(modulusLength: number) {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ format: 'jwk' });
}
