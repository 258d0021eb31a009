import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConfigurationError, KeyFileError } from '../../../src/index.js';
import { readConfig } from '../src/config/config.js';
import { VARIABLES } from '../src/config/environment.js';
import { SmtpMailer } from '../src/mail/smtp-mailer.js';
import { TerminalMailer } from '../src/mail/terminal-mailer.js';

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
      return Object.fromEntries(error.problems.map(({ key, value, fix }) => [key, `${value} → ${fix}`]));
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
      httpAdapter: 'fastify',
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

  it('keeps development keys for the next start, readable by their owner only', () => {
    const first = read({}).auth.keys;
    expect(read({}).auth.keys).toEqual(first);
    expect(first.access).not.toEqual(first.refresh);
    const file = join(dataDir, 'development-keys.json');
    expect(statSync(file).mode & 0o077).toBe(0);
    writeFileSync(file, 'torn');
    expect(problemsOf({})).toHaveProperty('JWT_ACCESS_KEYS', expect.stringContaining('cannot be read'));
  });

  it('production names every missing setting with its fix, and makes no keys', () => {
    const problems = problemsOf({ NODE_ENV: 'production' });
    expect(Object.keys(problems).sort()).toEqual(['JWT_ACCESS_KEYS', 'JWT_REFRESH_KEYS', 'MONGODB_URI']);
    expect(problems['JWT_ACCESS_KEYS']).toContain('randomBytes');
    expect(() => readFileSync(join(dataDir, 'development-keys.json'))).toThrow('ENOENT');
  });

  it('the demo is on except in production, which refuses it', () => {
    expect(read({}).hasDemo).toBe(true);
    expect(read({ DEMO: 'off' }).hasDemo).toBe(false);
    expect(problemsOf({ DEMO: 'yes' })).toEqual({ DEMO: "'yes' → give one of on, off" });
    expect(problemsOf({ NODE_ENV: 'production', DEMO: 'on' })['DEMO']).toContain('leave DEMO out');
    expect(problemsOf({ NODE_ENV: 'production' })).not.toHaveProperty('DEMO');
  });

  it('metrics are open in development, and need the token in production', () => {
    expect(read({}).metrics).toEqual({ token: null });
    const production = {
      NODE_ENV: 'production',
      MONGODB_URI: 'mongodb://127.0.0.1/x',
      JWT_ACCESS_KEYS: secret(),
      JWT_REFRESH_KEYS: secret(),
    };
    expect(read(production).metrics).toBeNull();
    for (const environment of [{}, production])
      expect(read({ ...environment, METRICS_TOKEN: ' 16-visible:chars ' }).metrics).toEqual({
        token: '16-visible:chars',
      });
    for (const METRICS_TOKEN of ['fifteen-visible', 'sixteen, but spaces', 'sixteen-or-more-€'])
      expect(problemsOf({ METRICS_TOKEN })).toEqual({
        METRICS_TOKEN: expect.stringMatching(
          /^\(secret\) → give at least 16 visible ASCII characters: node -p/,
        ),
      });
  });

  it('sessions of the demo have short access tokens, unless a lifetime is configured', () => {
    expect(read({}).auth.accessToken?.ttlByApp).toEqual({ 'silent-auth-demo': '20s' });
    expect(read({ ACCESS_TOKEN_TTL: '5s' }).auth.accessToken).toEqual({ ttl: '5s', ttlByApp: {} });
    expect(read({ DEMO: 'off' }).auth.accessToken?.ttlByApp).toEqual({});
  });

  it('production with the required settings: secure cookie, all addresses, no default administrator', () => {
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
      hasDemo: false,
      auth: { refreshToken: { cookie: { secure: true } } },
    });
    expect(config.auth.keys.access).toHaveLength(2);
    expect(config.warnings).toEqual([]);
  });

  it('mail needs a server and a sender; without them it is shown in development and not sent in production', () => {
    const smtp = { SMTP_URL: 'smtp://mail:1025', MAIL_FROM: 'Example <no-reply@example.com>' };
    expect(read(smtp).auth.mailer).toBeInstanceOf(SmtpMailer);
    expect(read({}).auth.mailer).toBeInstanceOf(TerminalMailer);
    expect(read({ NODE_ENV: 'test' }).auth.mailer).toBeUndefined();
    expect(problemsOf({ SMTP_URL: smtp.SMTP_URL })['MAIL_FROM']).toMatch(/^\(not set\) → give the sender/);
    expect(read({ MAIL_FROM: smtp.MAIL_FROM }).warnings.join()).toContain('set SMTP_URL');
    const problems = problemsOf({
      SMTP_URL: 'https://user:hunter22@mail.example.com',
      MAIL_FROM: 'nobody',
      APP_URL: 'app',
    });
    expect(Object.keys(problems).sort()).toEqual(['APP_URL', 'MAIL_FROM', 'SMTP_URL']);
    expect(problems['SMTP_URL']).toMatch(/^'https:\/\/…@mail\.example\.com' → give the URL/);
    expect(JSON.stringify(problems)).not.toContain('hunter22');
  });

  it('without APP_URL, links to the service itself, also if the issuer has more parts than a link', async () => {
    const linkedBy = async (variables: Record<string, string>) => {
      const lines: string[] = [];
      const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
        lines.push(String(text));
        return true;
      });
      try {
        await read(variables).auth.mailer?.send(
          {
            kind: 'password_changed',
            id: 'i',
            to: 'ada@example.com',
            name: null,
            userId: 'u',
            at: new Date(0),
            source: { ip: '', userAgent: null },
          },
          new AbortController().signal,
        );
      } finally {
        write.mockRestore();
      }
      return /Your account:\n(\S+)/.exec(lines.join(''))?.[1];
    };
    expect(await linkedBy({ ISSUER: 'https://id.example.com/tenant' })).toBe('https://id.example.com/tenant');
    expect(await linkedBy({ ISSUER: 'https://u:p@id.example.com/?realm=a#b' })).toBe(
      'https://id.example.com/',
    );
    expect(await linkedBy({ PORT: '3001' })).toBe('http://localhost:3001/');
  });

  it('warns if mail is sent and neither APP_URL nor ISSUER is set', () => {
    const production = {
      NODE_ENV: 'production',
      MONGODB_URI: 'mongodb://db.example.com/auth',
      JWT_ACCESS_KEYS: secret(),
      JWT_REFRESH_KEYS: secret(),
      SMTP_URL: 'smtp://mail:1025',
      MAIL_FROM: 'no-reply@example.com',
    };
    const warnings = (variables: Record<string, string>) => read(variables).warnings.join();
    expect(warnings(production)).toContain(
      'Neither APP_URL nor ISSUER is set: mail links to http://localhost:3000/.',
    );
    expect(warnings({ ...production, ISSUER: 'https://auth.example.com' })).toBe('');
    expect(warnings({ ...production, APP_URL: 'https://app.example.com' })).not.toContain('APP_URL');
    // In development the browser is on the same machine.
    expect(warnings({ ...production, NODE_ENV: 'development' })).not.toContain('APP_URL');
  });

  it('distinguishes a front end from the service itself', () => {
    const ISSUER = 'https://id.example.com/tenant';
    const frontEnd = (variables: Record<string, string>) => read({ ISSUER, ...variables }).frontEnd;
    expect(frontEnd({})).toBeNull();
    expect(frontEnd({ APP_URL: `${ISSUER}/` })).toBeNull();
    expect(frontEnd({ APP_URL: 'https://id.example.com' })).toBe('https://id.example.com/');
    expect(frontEnd({ APP_URL: 'https://app.example.com/account' })).toBe('https://app.example.com/account');
  });

  it('refuses the embedded database in production', () => {
    expect(problemsOf({ NODE_ENV: 'production', DATABASE: 'embedded' })).toHaveProperty('DATABASE');
  });

  it('reports every invalid value at once, the library’s by the names of their variables, and shows no secret', () => {
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

  describe('keys', () => {
    const read32 = (value: string) => read({ JWT_ACCESS_KEYS: value }).auth.keys.access;

    it.each(['/', '.', './', '../', '/etc/'])('a long secret that begins with %s is a secret', (start) => {
      const odd = `${start}${secret()}`;
      expect(read32(odd)).toEqual([odd]);
    });

    it('reports a key that looks like a path, and does not show it', () => {
      const odd = `/${secret()}`;
      const warning = read({ JWT_ACCESS_KEYS: odd }).warnings.find((text) =>
        text.includes('JWT_ACCESS_KEYS'),
      );
      expect(warning).toContain('file:');
      expect(warning).not.toContain(odd.slice(0, 8));
    });

    it.each([
      '/run/secrets/keys',
      './keys',
      'a/very/long/but/guessable/path/to/my-keys.json',
      'file:nowhere',
    ])('refuses the path of a missing file, and does not show it: %s', (path) => {
      const problem = problemsOf({ JWT_ACCESS_KEYS: path })['JWT_ACCESS_KEYS'];
      expect(problem).toMatch(/file/);
      expect(problem).not.toContain(path.replace('file:', ''));
    });

    it('file: and file:// mark a file, whatever its name', () => {
      const path = join(dataDir, 'keys');
      const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
      writeFileSync(path, JSON.stringify({ keys: [jwk] }));
      for (const name of [path, `file:${path}`, `file://${path}`]) expect(read32(name)).toEqual([jwk]);
    });

    it('a file that is missing later is an error: its path becomes no secret', () => {
      // Long and without words, so it would be accepted as a secret.
      const path = join(dataDir, secret());
      const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
      writeFileSync(path, JSON.stringify({ keys: [jwk] }));
      const { access } = read({ JWT_ACCESS_KEYS: path }).keySources;
      expect(access.readAgain()).toEqual([jwk]);
      rmSync(path);
      expect(() => access.readAgain()).toThrow(KeyFileError);
    });

    it('development keys that are missing later are an error: no new keys replace them', () => {
      const own = mkdtempSync(join(dataDir, 'development-'));
      const { access } = readConfig({ DATA_DIR: own }).keySources;
      expect(access.readAgain()).toEqual(access.keys);
      rmSync(join(own, 'development-keys.json'));
      expect(() => access.readAgain()).toThrow(KeyFileError);
    });
  });

  it('accepts PORT=0, any free port, only with an ISSUER, because links and tokens would name the port 0', () => {
    expect(problemsOf({ PORT: '0' })).toEqual({
      PORT: expect.stringMatching(/^'0' → .*from 1 to 65535.*ISSUER/),
    });
    expect(read({ PORT: '0', ISSUER: 'https://id.example.com' }).port).toBe(0);
    for (const port of ['1', '65535']) expect(read({ PORT: port }).port).toBe(Number(port));
  });

  it('names variables, not options, in what the library says', () => {
    const fix = expect.stringMatching(/without Secure: set COOKIE_SECURE$/);
    expect(problemsOf({ COOKIE_SAMESITE: 'none' })).toEqual({ COOKIE_SAMESITE: fix });
    expect(problemsOf({ COOKIE_PARTITIONED: 'true' })).toEqual({ COOKIE_PARTITIONED: fix });
  });

  describe('a DATA_DIR that cannot be written', () => {
    const refused = {
      DATA_DIR: expect.stringMatching(/^'.+' → cannot be written: give a folder that this user/),
    };
    const KEYS = { JWT_ACCESS_KEYS: secret(), JWT_REFRESH_KEYS: secret() };
    const DATABASE_ELSEWHERE = { MONGODB_URI: 'mongodb://127.0.0.1/x' };

    it.each([
      ['is a file', ''],
      ['is inside a file', '/inside'],
      ['is far inside a file', '/far/inside'],
    ])('%s: is one problem for the keys and for the database', (_, below) => {
      writeFileSync(join(dataDir, 'file'), '');
      const path = join(dataDir, 'file') + below;
      for (const settings of [{}, KEYS, DATABASE_ELSEWHERE])
        expect(problemsOf({ ...settings, DATA_DIR: path })).toEqual(refused);
      expect(problemsOf({ ...KEYS, ...DATABASE_ELSEWHERE, DATA_DIR: path })).toEqual({});
    });

    it('has a file where the database needs a folder', () => {
      const own = mkdtempSync(join(dataDir, 'own-'));
      writeFileSync(join(own, 'db'), '');
      expect(problemsOf({ DATA_DIR: own })).toEqual(refused);
    });

    it('that fails only when it is written is the same problem', () => {
      const failing = () => {
        throw Object.assign(new Error('EROFS: read-only file system'), { syscall: 'mkdir' });
      };
      expect(() => readConfig({ ...DATABASE_ELSEWHERE, DATA_DIR: dataDir }, failing)).toThrow(
        /DATA_DIR = '.+': cannot be written/,
      );
    });

    it('need not exist, and reading the settings does not create it', () => {
      const own = join(dataDir, 'not', 'yet');
      expect(problemsOf({ ...KEYS, DATA_DIR: own })).toEqual({});
      expect(existsSync(own)).toBe(false);
    });
  });

  it('an invalid PORT is one problem: the ISSUER that follows from it is not reported', () => {
    expect(Object.keys(problemsOf({ PORT: 'abc' }))).toEqual(['PORT']);
    expect(Object.keys(problemsOf({ PORT: '70000' }))).toEqual(['PORT']);
  });

  it.each(['banana', '10.0.0.0/33', '10.0.0.1/255.0.0.0', '::1/129', ',', '-1', '1.2.3'])(
    'TRUST_PROXY=%s is refused',
    (value) => {
      expect(problemsOf({ TRUST_PROXY: value })).toHaveProperty('TRUST_PROXY');
    },
  );

  it.each([
    'mongodb://user:p@ss@db.example.com/auth',
    'mongodb://user:pa/ss@db.example.com/auth',
    'mongodb://user:pa%ss@db.example.com/auth',
    'mongodb://db.example.com/auth?replicaset=rs0&sloth=1&p=pa',
    'mongodb://',
  ])('refuses a MONGODB_URI that the driver cannot read, and does not show it: %s', (uri) => {
    const problem = problemsOf({ MONGODB_URI: uri })['MONGODB_URI'];
    expect(problem).toContain('encodeURIComponent');
    expect(problem).not.toMatch(/ss@|user:|db\.example/);
  });

  it('refuses an ADMIN_EMAIL that is not an e-mail address', () => {
    expect(problemsOf({ ADMIN_EMAIL: 'nonsense' })).toHaveProperty('ADMIN_EMAIL');
  });

  it.each(['ADMIN_EMAIL', 'ADMIN_PASSWORD'])(
    'production with only %s creates no administrator and says why',
    (name) => {
      const config = read({
        NODE_ENV: 'production',
        MONGODB_URI: 'mongodb://db.example.com/auth',
        JWT_ACCESS_KEYS: secret(),
        JWT_REFRESH_KEYS: secret(),
        ISSUER: 'https://auth.example.com',
        [name]: 'root@example.com',
      });
      expect(config.admin).toBeNull();
      expect(config.warnings).toEqual([expect.stringContaining('ADMIN_PASSWORD')]);
    },
  );

  it.each([
    ['true', true],
    ['off', false],
    ['1', 1],
    ['2', 2],
    ['10.0.0.0/8, 192.168.1.1', ['10.0.0.0/8', '192.168.1.1']],
    ['loopback, fd00::/8', ['loopback', 'fd00::/8']],
  ])('TRUST_PROXY=%s', (value, expected) => {
    expect(read({ TRUST_PROXY: value }).trustProxy).toEqual(expected);
  });

  it('throttles in development as in production, unless a load test turns it off', () => {
    expect(read({}).auth.throttle).toBeUndefined();
    expect(read({ THROTTLE: 'off' }).auth.throttle).toBe(false);
    const production = {
      NODE_ENV: 'production',
      MONGODB_URI: 'mongodb://db.example.com/auth',
      JWT_ACCESS_KEYS: secret(),
      JWT_REFRESH_KEYS: secret(),
    };
    expect(read(production).auth.throttle).toBeUndefined();
    expect(read({ ...production, THROTTLE: 'off' }).auth.throttle).toBe(false);
  });

  it('keeps an audit log unless it is off, and passes an invalid value on to be refused by name', () => {
    expect(read({}).auth.audit).toEqual({ retention: undefined, rotations: undefined });
    expect(read({ AUDIT_ROTATIONS: 'off' }).auth.audit).toMatchObject({ rotations: false });
    expect(read({ AUDIT: 'off', AUDIT_RETENTION: '30d' }).auth.audit).toBe(false);
    expect(problemsOf({ AUDIT: 'maybe' })).toHaveProperty('AUDIT');
    expect(problemsOf({ AUDIT_RETENTION: '5m' })).toHaveProperty('AUDIT_RETENTION');
  });

  it('reads which traits are suspicious, and the reaction to them', () => {
    const { auth } = read({
      FINGERPRINT_MODE: 'enforce',
      FINGERPRINT_FEATURES: 'user-agent, address',
      ANOMALY_ACTION: 'revoke-user',
    });
    expect(auth.fingerprint).toEqual({ mode: 'enforce', features: ['user-agent', 'address'] });
    expect(auth.anomaly).toEqual({ action: 'revoke-user' });
    const odd = problemsOf({ FINGERPRINT_MODE: 'on', FINGERPRINT_FEATURES: 'cookie', ANOMALY_ACTION: 'ban' });
    expect(Object.keys(odd).sort()).toEqual(['ANOMALY_ACTION', 'FINGERPRINT_FEATURES', 'FINGERPRINT_MODE']);
  });

  it('the list contains every variable that it reads, and no others', () => {
    const asked = new Set<string>();
    const variables: Record<string, string> = { DATA_DIR: dataDir };
    const spy = new Proxy(variables, {
      get: (target, name: string) => {
        asked.add(name);
        return target[name];
      },
    });
    readConfig(spy);
    const names = VARIABLES.flatMap(({ name, isSecret }) => (isSecret ? [name, `${name}_FILE`] : [name]));
    expect([...asked].sort()).toEqual(names.sort());
  });

  describe('secrets in files', () => {
    const written = (name: string, text: string) => {
      const path = join(dataDir, name);
      writeFileSync(path, text);
      return path;
    };

    it('are used like the variables, without the final line break', () => {
      const [access, refresh, client] = [secret(), secret(), secret()];
      const config = read({
        NODE_ENV: 'production',
        ISSUER: 'https://auth.example.com',
        MONGODB_URI_FILE: written('uri', 'mongodb://db.example.com/auth\n'),
        JWT_ACCESS_KEYS_FILE: written('access', `${access}\n`),
        JWT_REFRESH_KEYS_FILE: written('refresh', refresh),
        REVOCATION_STORE: 'redis',
        REDIS_URL_FILE: written('redis', 'redis://:word@cache.example.com:6379\n'),
        ADMIN_EMAIL: 'ada@example.com',
        ADMIN_PASSWORD_FILE: written('admin', 'correct horse battery\n'),
        SMTP_URL_FILE: written('smtp', 'smtp://mail.example.com:587'),
        MAIL_FROM: 'no-reply@example.com',
        METRICS_TOKEN_FILE: written('metrics', 'abcdefghijklmnop\n'),
        INTROSPECTION_CLIENTS_FILE: written('clients', `orders:${client}\n`),
      });
      expect(config).toMatchObject({
        database: { uri: 'mongodb://db.example.com/auth' },
        redis: { kind: 'server', url: 'redis://:word@cache.example.com:6379' },
        admin: { password: 'correct horse battery' },
        metrics: { token: 'abcdefghijklmnop' },
        auth: {
          keys: { access: [access], refresh: [refresh] },
          introspectionClients: [{ id: 'orders', secret: client }],
        },
      });
      expect(config.auth.mailer).toBeInstanceOf(SmtpMailer);
    });

    it('that cannot be read cause one problem for their variable', () => {
      const given = secret();
      const problems = problemsOf({
        NODE_ENV: 'production',
        ISSUER: 'https://auth.example.com',
        MONGODB_URI_FILE: join(dataDir, 'missing'),
        JWT_ACCESS_KEYS_FILE: written('empty', ' \n'),
        JWT_REFRESH_KEYS: given,
        JWT_REFRESH_KEYS_FILE: written('refresh', secret()),
        METRICS_TOKEN_FILE: dataDir,
      });
      expect(problems).toEqual({
        MONGODB_URI_FILE: expect.stringMatching(/^\(path\) → there is no such file/),
        JWT_ACCESS_KEYS_FILE: expect.stringContaining('the file is empty'),
        JWT_REFRESH_KEYS_FILE: '(path) → JWT_REFRESH_KEYS is also set: remove one of the two',
        METRICS_TOKEN_FILE: expect.stringContaining('cannot be read (EISDIR)'),
      });
      expect(JSON.stringify(problems)).not.toContain(given);
    });

    it('are not read for an option that is not secret', () => {
      expect(read({ ISSUER_FILE: written('issuer', 'https://auth.example.com') }).auth.issuer).toBe(
        'http://localhost:3000',
      );
    });
  });
});
