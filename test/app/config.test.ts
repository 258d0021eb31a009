import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/app/config.js';
import { VARIABLES } from '../../src/app/environment.js';
import { ConfigurationError } from '../../src/index.js';

const secret = () => randomBytes(36).toString('base64url');
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'silent-auth-config-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const read = (env: Record<string, string>) => readConfig({ DATA_DIR: dataDir, ...env });

function problemsOf(env: Record<string, string>): Record<string, string> {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigurationError)
      return Object.fromEntries(error.problems.map(({ key, value, mend }) => [key, `${value} → ${mend}`]));
    throw error;
  }
  return {};
}

describe(readConfig.name, () => {
  it('an empty environment gives a development service on loopback', () => {
    const config = read({});
    expect(config).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      isProduction: false,
      httpAdapter: 'express',
      database: { choice: 'auto', uri: null },
      trustProxy: false,
      admin: { email: 'admin@example.com', password: null },
      auth: {
        issuer: 'http://localhost:3000',
        refreshToken: { allowBodyTransport: true, cookie: { secure: false } },
      },
    });
    expect(config.warnings).toHaveLength(2);
  });

  it('keeps development keys for the next start, readable by their owner alone', () => {
    const first = read({}).auth.keys;
    expect(read({}).auth.keys).toEqual(first);
    expect(first.access).not.toEqual(first.refresh);
    const file = join(dataDir, 'development-keys.json');
    expect(statSync(file).mode & 0o077).toBe(0);
    writeFileSync(file, 'torn');
    expect(problemsOf({})).toHaveProperty('JWT_ACCESS_KEYS', expect.stringContaining('cannot be read'));
  });

  it('production names every missing setting with its mend, and makes no keys', () => {
    const problems = problemsOf({ NODE_ENV: 'production' });
    expect(Object.keys(problems).sort()).toEqual(['JWT_ACCESS_KEYS', 'JWT_REFRESH_KEYS', 'MONGODB_URI']);
    expect(problems['JWT_ACCESS_KEYS']).toContain('randomBytes');
    expect(() => readFileSync(join(dataDir, 'development-keys.json'))).toThrow('ENOENT');
  });

  it('production with what it needs: secure cookie, all addresses, no invented administrator', () => {
    const config = read({
      NODE_ENV: 'production',
      MONGODB_URI: 'mongodb://db.example.com/auth',
      JWT_ACCESS_KEYS: `${secret()}, ${secret()}`,
      JWT_REFRESH_KEYS: secret(),
      ISSUER: 'https://auth.example.com',
    });
    expect(config).toMatchObject({
      host: '0.0.0.0',
      admin: null,
      auth: { refreshToken: { cookie: { secure: true } } },
    });
    expect(config.auth.keys.access).toHaveLength(2);
    expect(config.warnings).toEqual([]);
  });

  it('refuses the embedded database in production', () => {
    expect(problemsOf({ NODE_ENV: 'production', DATABASE: 'embedded' })).toHaveProperty('DATABASE');
  });

  it('reports every odd value at once, the library’s by the names of their variables, and shows no secret', () => {
    const problems = problemsOf({
      PORT: 'http',
      HTTP_ADAPTER: 'koa',
      DATABASE: 'postgres',
      LOG_LEVEL: 'loud',
      MONGODB_URI: 'postgres://user:hunter22@db',
      JWT_ACCESS_KEYS: 'too-short',
      JWT_REFRESH_KEYS: secret(),
      ACCESS_TOKEN_TTL: 'soon',
      REFRESH_IDLE_TTL: '-1s',
      REFRESH_SLIDING: 'perhaps',
      REFRESH_REUSE: 'ignore',
      REFRESH_REUSE_SCOPE: 'planet',
      REFRESH_GRACE_PERIOD: '10 parsecs',
      MAX_SESSIONS_PER_USER: 'many',
      BCRYPT_COST: '40',
      TRUSTED_ORIGINS: 'https://app.example.com/',
      COOKIE_SAMESITE: 'none',
      ISSUER: 'nowhere',
    });
    expect(Object.keys(problems).sort()).toEqual([
      'ACCESS_TOKEN_TTL',
      'BCRYPT_COST',
      'COOKIE_SAMESITE',
      'DATABASE',
      'HTTP_ADAPTER',
      'ISSUER',
      'JWT_ACCESS_KEYS',
      'LOG_LEVEL',
      'MAX_SESSIONS_PER_USER',
      'MONGODB_URI',
      'PORT',
      'REFRESH_GRACE_PERIOD',
      'REFRESH_IDLE_TTL',
      'REFRESH_REUSE',
      'REFRESH_REUSE_SCOPE',
      'REFRESH_SLIDING',
      'TRUSTED_ORIGINS',
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/hunter22|too-short/);
  });

  it('reads keys from a JWK set', () => {
    const path = join(dataDir, 'keys.json');
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    writeFileSync(path, JSON.stringify({ keys: [jwk] }));
    expect(read({ JWT_ACCESS_KEYS: path }).auth.keys.access).toEqual([jwk]);
    writeFileSync(path, JSON.stringify({ key: jwk }));
    expect(problemsOf({ JWT_ACCESS_KEYS: path })).toHaveProperty(
      'JWT_ACCESS_KEYS',
      expect.stringContaining('JWK set'),
    );
  });

  it.each([
    ['true', true],
    ['off', false],
    ['1', 1],
    ['2', 2],
    ['10.0.0.0/8, 192.168.1.1', ['10.0.0.0/8', '192.168.1.1']],
  ])('TRUST_PROXY=%s', (value, expected) => {
    expect(read({ TRUST_PROXY: value }).trustProxy).toEqual(expected);
  });

  it('every variable that it reads is in the list, and the other way round', () => {
    const asked = new Set<string>();
    const variables: Record<string, string> = { DATA_DIR: dataDir };
    const spy = new Proxy(variables, {
      get: (target, name: string) => {
        asked.add(name);
        return target[name];
      },
    });
    readConfig(spy);
    expect([...asked].sort()).toEqual(VARIABLES.map(({ name }) => name).sort());
  });
});
