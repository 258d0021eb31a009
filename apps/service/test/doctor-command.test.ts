import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Connection, createConnection } from 'mongoose';
import { describeFindings } from '../../../src/cli/doctor/findings-text.js';
import type { Finding } from '../../../src/index.js';
import { databaseUri } from '../../../test/support/database.js';
import { eventually } from '../../../test/support/eventually.js';
import { type Environment, Service } from '../../../test/support/service.js';
import { readConfig } from '../src/config/config.js';
import { runDoctorCommand } from '../src/doctor/command.js';
import { examineService } from '../src/doctor/service-checks.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ENTRY = join(ROOT, 'apps/service/dist/doctor/main.js');
const STEADY_HASHING = [
  '--import',
  pathToFileURL(join(ROOT, 'apps/service/test/support/steady-hashing.mjs')).href,
];
const ENDLESS = ['--import', pathToFileURL(join(ROOT, 'apps/service/test/support/endless-doctor.mjs')).href];
const secret = () => randomBytes(48).toString('base64url');

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'silent-auth-doctor-test-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** The settings of an operator with a sound service. */
const production = (over: Environment = {}): Environment => ({
  NODE_ENV: 'production',
  ISSUER: 'https://auth.example.com',
  MONGODB_URI: databaseUri('doctor'),
  JWT_ACCESS_KEYS: secret(),
  JWT_REFRESH_KEYS: secret(),
  TRUST_PROXY: '1',
  TRUSTED_ORIGINS: 'https://app.example.com',
  BCRYPT_COST: '10',
  ...over,
});

interface Outcome {
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
  readonly tookMs: number;
}

/** Runs in its own process, in an empty folder. */
function run(environment: Environment, ...parameters: string[]): Promise<Outcome> {
  const from = performance.now();
  const given = { PATH: process.env.PATH, DATA_DIR: dataDir, ...environment };
  const child = spawn(process.execPath, [...STEADY_HASHING, ENTRY, ...parameters], {
    cwd: dataDir,
    env: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) =>
      resolve({ exitCode, output, errors, tookMs: performance.now() - from }),
    );
  });
}

async function findingsOf(environment: Environment): Promise<Finding[]> {
  const { output, errors } = await run(environment, '--json');
  if (output === '') throw new Error(errors);
  return (JSON.parse(output) as { findings: Finding[] }).findings;
}

const codesOf = (findings: readonly Finding[]) => findings.map(({ code }) => code);

describe('npm run doctor', () => {
  describe.each(['express', 'fastify'])('on %s, with a database', (adapter) => {
    let connection: Connection;
    let uri: string;
    beforeAll(async () => {
      uri = databaseUri('doctor');
      connection = await createConnection(uri).asPromise();
    });
    afterAll(async () => {
      await connection.dropDatabase();
      await connection.close();
    });
    const environment = (over: Environment = {}) =>
      production({ MONGODB_URI: uri, HTTP_ADAPTER: adapter, ...over });

    it('finds nothing in a sound production setup that was never started, and writes nothing', async () => {
      const { exitCode, output } = await run(environment(), '--strict');
      expect({ exitCode, output }).toEqual({ exitCode: 0, output: 'Nothing found.\n' });
      expect(await connection.listCollections()).toEqual([]);
      expect(readdirSync(dataDir)).toEqual([]);
    });

    it('finds nothing while the service runs, and neither does the check at its start', async () => {
      const service = await Service.start(
        environment({ HOST: '127.0.0.1', AUDIENCE: undefined, THROTTLE: 'on' }),
        STEADY_HASHING,
      );
      try {
        const before = await documents(connection);
        expect(await findingsOf(environment())).toEqual([]);
        expect(await documents(connection)).toEqual(before);
        await service.untilBanner();
        expect(service.output).not.toContain('"Doctor"');
      } finally {
        await service.stop();
      }
    });

    it('finds a dropped index, and says how to restore it', async () => {
      await connection.collection('refresh_tokens').dropIndex('expiresAt_1');
      await connection.collection('users').dropIndex('email_1');
      const { exitCode, output } = await run(environment());
      expect(exitCode).toBe(1);
      expect(output).toMatch(/^2 errors\n/);
      expect(output).toContain('refresh_tokens { expiresAt: 1 }  [database.ttl-index]');
      expect(output).toContain('db.users.createIndex({"email":1}, {"unique":true})');
      // Building indexes was left to the operator.
      expect(codesOf(await findingsOf(environment()))).toHaveLength(2);
    });
  });

  it('reports everything that keeps a service from starting, by the names of the variables', async () => {
    const { exitCode, output } = await run({
      NODE_ENV: 'production',
      COOKIE_SAMESITE: 'none',
      COOKIE_SECURE: 'false',
      TRUST_PROXY: 'my-proxy',
      DEMO: 'on',
    });
    expect(exitCode).toBe(1);
    for (const name of [
      'MONGODB_URI',
      'JWT_ACCESS_KEYS',
      'JWT_REFRESH_KEYS',
      'COOKIE_SAMESITE',
      'TRUST_PROXY',
      'DEMO',
    ])
      expect(output).toContain(`  ${name}  [configuration.refused]`);
    expect(output).toContain('browsers refuse SameSite=None without Secure');
    expect(output).toContain('[service.not-examined]');
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('examines a development service while it runs, and leaves no trace', async () => {
    const service = await Service.start({
      MONGODB_URI: undefined,
      ISSUER: undefined,
      DATA_DIR: dataDir,
      THROTTLE: 'on',
    });
    try {
      await service.untilBanner();
      expect(service.output).toContain('embedded development database');
      // The check at boot ran before the banner: findings for development only are not shown.
      expect(service.output).not.toMatch(/Doctor|error:/);
      const before = contents(dataDir);
      const { exitCode, output } = await run({ ISSUER: service.settings['ISSUER'] }, '--strict');
      expect({ exitCode, output }).toMatchObject({
        exitCode: 0,
        output: expect.stringMatching(/0 errors, 0 warnings, 2 notes/),
      });
      expect(contents(dataDir)).toEqual(before);
    } finally {
      await service.dispose();
    }
  });

  it('reports a DATA_DIR in which a start could write nothing', async () => {
    const path = join(dataDir, 'file');
    writeFileSync(path, '');
    const { exitCode, output } = await run({ DATA_DIR: path });
    expect(exitCode).toBe(1);
    expect(output).toContain('DATA_DIR  [configuration.refused]');
    expect(output).toContain('give a folder that this user may write');
  });

  it('on a fresh machine reports the development keys that a start would create, and creates none', async () => {
    const { exitCode, output } = await run({}, '--strict');
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^2 notes\n/);
    expect(output).toContain('JWT_ACCESS_KEYS  [service.setting]');
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('leaves no trace in an existing database without development keys', async () => {
    const uri = databaseUri('doctor');
    const { exitCode, output } = await run({ MONGODB_URI: uri, NODE_ENV: 'development' }, '--strict');
    expect({ exitCode, output }).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^2 notes\n/) });
    const connection = await createConnection(uri).asPromise();
    try {
      expect(await connection.listCollections()).toEqual([]);
    } finally {
      await connection.close();
    }
  });

  it('finds risky production settings, and names their variables', async () => {
    const findings = await findingsOf(
      production({
        ISSUER: 'http://auth.example.com',
        TRUST_PROXY: 'true',
        TRUSTED_ORIGINS: 'https://app.example.org',
        REFRESH_REUSE: 'report',
        THROTTLE: 'off',
        ADMIN_EMAIL: 'admin@example.com',
        ADMIN_PASSWORD: 'a passphrase of some length',
        BCRYPT_COST: '4',
      }),
    );
    expect(findings.map(({ severity, code, subject }) => `${severity} ${code} ${subject}`)).toEqual([
      'error cookie.secure-on-http COOKIE_SECURE',
      'warning service.default-administrator ADMIN_EMAIL',
      'warning proxy.trusts-all TRUST_PROXY',
      'warning cookie.other-site TRUSTED_ORIGINS https://app.example.org',
      'warning issuer.insecure ISSUER',
      'warning password.cost-low BCRYPT_COST',
      'warning refresh-token.shadow-mode REFRESH_REUSE',
      'warning throttle.off THROTTLE',
    ]);
    expect(findings.find(({ code }) => code === 'cookie.other-site')?.fix).toContain(
      "COOKIE_SAMESITE to 'none'",
    );
  });

  it('finds a guessable key, with which a service in production does not start', async () => {
    const key = 'correcthorsebatterystaplecorrecthorse';
    const found = async (environment: Environment) =>
      (await findingsOf(environment)).map(({ severity, code, subject }) => `${severity} ${code} ${subject}`);
    expect(await found(production({ JWT_ACCESS_KEYS: key }))).toEqual([
      'error configuration.refused JWT_ACCESS_KEYS',
      'info service.not-examined the rest',
    ]);
    expect(await found({ JWT_ACCESS_KEYS: key })).toContain('warning keys.guessable JWT_ACCESS_KEYS[0]');
  });

  it('recognises development keys in production', async () => {
    const [access, refresh] = [secret(), secret()];
    writeFileSync(
      join(dataDir, 'development-keys.json'),
      JSON.stringify({ access: [access], refresh: [refresh] }),
    );
    const findings = await findingsOf(production({ JWT_ACCESS_KEYS: `${secret()},${access}` }));
    expect(findings.map(({ code, subject }) => [code, subject])).toEqual([
      ['service.development-keys', 'JWT_ACCESS_KEYS'],
    ]);
  });

  it.each([
    ['mongodb://db.example.com/auth', ['service.database-plain', 'service.database-open']],
    ['mongodb://203.0.113.9/auth?tls=true', ['service.database-open']],
    ['mongodb://me:secret@db.example.com/auth?tls=true', []],
    ['mongodb://mongo:27017,10.1.2.3/auth', []],
  ])('judges the connection to the database by its URI: %s', (uri, codes) => {
    const findings = examinedService({ MONGODB_URI: uri });
    expect(codesOf(findings)).toEqual(codes);
    expect(codesOf(examinedService({ MONGODB_URI: uri, NODE_ENV: 'development' }))).toEqual(
      codes.length > 0 || uri.includes('example.com') ? ['service.remote-database'] : [],
    );
  });

  it.each(['refuses', 'is silent'])(
    'examines only the options if the database %s, within the time limit',
    async (how) => {
      const { server, port } = await listening(how === 'is silent');
      try {
        const { exitCode, output, tookMs } = await run(
          production({
            MONGODB_URI: `mongodb://somebody:Tr0ub4dor@127.0.0.1:${how === 'refuses' ? 9 : port}/auth`,
            THROTTLE: 'off',
          }),
        );
        expect(exitCode).toBe(1);
        expect(tookMs).toBeLessThan(30_000);
        expect(output).toContain('MONGODB_URI  [service.start-fails]');
        expect(output).toContain('THROTTLE  [throttle.off]');
        expect(output).toContain('[service.not-examined]');
        expect(output).not.toContain('Tr0ub4dor');
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
    },
  );

  it('prints its usage for wrong arguments', async () => {
    for (const parameters of [['--jsn'], ['production']]) {
      const { exitCode, output, errors } = await run({}, ...parameters);
      expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
      expect(errors).toContain('npm run doctor');
    }
    expect((await run({}, '--help')).output).toContain('--strict');
  });

  it('prints only JSON for a program, called as documented', () => {
    const [documented = ''] =
      /^npm run .*--json/m.exec(readFileSync(join(ROOT, 'docs/doctor.md'), 'utf8')) ?? [];
    // The scripts before it would build what is tested here.
    const parameters = ['--ignore-scripts', ...documented.split(' ').slice(1)];
    const { stdout } = spawnSync('npm', parameters, {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: dataDir, NODE_ENV: 'production', DATA_DIR: dataDir },
      encoding: 'utf8',
    });
    expect(JSON.parse(stdout)).toMatchObject({ summary: { error: 3 }, findings: expect.any(Array) });
  });

  it('leaves no copy of the development database behind when interrupted', async () => {
    const service = await Service.start({ MONGODB_URI: undefined, ISSUER: undefined, DATA_DIR: dataDir });
    const temporary = mkdtempSync(join(tmpdir(), 'silent-auth-doctor-copies-'));
    try {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        const child = spawn(process.execPath, [...ENDLESS, ENTRY], {
          env: { PATH: process.env.PATH, DATA_DIR: dataDir, TMPDIR: temporary },
          stdio: 'ignore',
        });
        const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
        const copies = await Promise.race([closed, untilCopied(temporary)]);
        if (typeof copies !== 'object' || copies === null) throw new Error('the doctor ended by itself');
        expect(copies).not.toEqual([]);
        child.kill(signal);
        expect(await closed).toBe(signal === 'SIGINT' ? 130 : 143);
        expect(readdirSync(temporary)).toEqual([]);
      }
    } finally {
      await service.dispose();
      rmSync(temporary, { recursive: true, force: true });
    }
  });

  it('exits with 1 for a warning with --strict', async () => {
    const environment = production({ THROTTLE: 'off' });
    expect((await run(environment)).exitCode).toBe(0);
    expect((await run(environment, '--strict')).exitCode).toBe(1);
  });

  it('uses colours only on a terminal, and prints only what a terminal can show', () => {
    const findings = [{ code: 'a.b', severity: 'error', subject: 's', message: 'm', fix: 'n' }] as const;
    const plain = describeFindings(findings, false);
    expect(stripVTControlCharacters(plain)).toBe(plain);
    const coloured = describeFindings(findings, true);
    expect(coloured).not.toBe(plain);
    expect(stripVTControlCharacters(coloured)).toBe(plain);
  });

  it('shows no secret, whatever the environment', async () => {
    for (let round = 0; round < 60; round += 1) {
      const hidden = Array.from({ length: 5 }, () => `s${randomBytes(12).toString('hex')}`);
      const [access = '', refresh = '', password = '', client = '', admin = ''] = hidden;
      const long = (text: string) => (round % 2 === 0 ? text : text.repeat(2));
      const environment: Environment = {
        NODE_ENV: round % 3 === 0 ? 'development' : 'production',
        JWT_ACCESS_KEYS: [`${long(access)}`, `file:${access}`, `/${access}/key.pem`][round % 3],
        JWT_REFRESH_KEYS: round % 5 === 0 ? long(access) : long(refresh),
        // Refused before anything is connected.
        MONGODB_URI: `mongo://user:${password}@db.example.com/auth`,
        REVOCATION_STORE: 'redis',
        REDIS_URL: `http://:${password}@cache.example.com`,
        INTROSPECTION_CLIENTS: `gateway:${client}`,
        ADMIN_EMAIL: 'someone@example.com',
        ADMIN_PASSWORD: admin,
        DATA_DIR: dataDir,
      };
      for (const parameters of [[], ['--json']]) {
        const { output } = await runDoctorCommand(parameters, environment, false);
        expect(output).toContain('MONGODB_URI');
        for (const text of hidden) expect(output.includes(text) ? { round, text, output } : null).toBeNull();
      }
    }
  });
});

describe('the boot of the service', () => {
  it("logs the doctor's findings, and shows errors in its banner", async () => {
    const service = await Service.start(
      production({ HOST: '127.0.0.1', COOKIE_SECURE: 'false', REFRESH_REUSE: 'report', AUDIENCE: undefined }),
      STEADY_HASHING,
    );
    try {
      await service.untilBanner();
      const lines = await eventually(
        async () => service.output.split('\n').filter((line) => line.includes('"context":"Doctor"')),
        (found) => found.length >= 3,
      );
      expect(
        lines.map((line) => (JSON.parse(line) as { msg: string }).msg.replace(/:.*\[/, ' [')).sort(),
      ).toEqual([
        'refreshToken.cookie.secure [cookie.not-secure]',
        'refreshToken.reuse [refresh-token.shadow-mode]',
        'throttle [throttle.off]',
      ]);
      expect(service.output).toMatch(/ {2}error: COOKIE_SECURE: .*\n {2}npm run doctor says/);
    } finally {
      await service.dispose();
    }
  });
});

/** What is in a folder, once there is something. */
async function untilCopied(folder: string): Promise<string[]> {
  return eventually(
    async () => readdirSync(folder),
    (names) => names.length > 0,
  );
}

/** Only the findings of the service itself, without a database. */
function examinedService(over: Environment): Finding[] {
  return examineService(readConfig({ ...production(over), DATA_DIR: dataDir }));
}

/** A server that accepts connections; with `isSilent` it never answers. */
async function listening(isSilent: boolean): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (isSilent) socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

async function documents(connection: Connection): Promise<Record<string, number>> {
  const collections = await connection.listCollections();
  const names = collections.map(({ name }) => name).sort();
  const counts = names.map(
    async (name) => [name, await connection.collection(name).countDocuments()] as const,
  );
  return Object.fromEntries(await Promise.all(counts));
}

/** Every file with its content. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return Object.fromEntries(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [path, createHash('sha256').update(readFileSync(path)).digest('hex')];
    }),
  );
}
