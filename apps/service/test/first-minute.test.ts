import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { expectError, newSession, PASSWORD, uniqueEmail } from '../../../test/support/http.js';
import { type Environment, Service } from '../../../test/support/service.js';

/** `npm start` on a fresh machine: nothing set, the embedded database, development keys. */
const FRESH = { MONGODB_URI: undefined, JWT_ACCESS_KEYS: undefined, JWT_REFRESH_KEYS: undefined };
const ONCE = /administrator: (\S+)\n +password: (\S+) +shown this once/;
const COMMAND = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'silent-auth-first-minute-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

describe('the administrator’s password', () => {
  it('survives a first start on a busy port, which prints one sentence', async () => {
    const { server, port } = await busyPort();
    try {
      const { exitCode, output } = await Service.refusal({ ...FRESH, DATA_DIR: dataDir, PORT: String(port) });
      expect(exitCode).toBe(1);
      expect(output).toContain(`Port ${port} is in use: set PORT to another one`);
      expect(output).not.toContain('EADDRINUSE');
    } finally {
      server.close();
    }
    const service = await Service.start({ ...FRESH, DATA_DIR: dataDir });
    try {
      const [, email = '', password = ''] = ONCE.exec(await service.untilBanner()) ?? [];
      expect((await service.api().login({ email, password })).json.user.roles).toContain('admin');
    } finally {
      await service.dispose();
    }
  });

  it('is shown when the account is created, before anything else can fail', async () => {
    const service = await Service.start();
    try {
      const output = await service.untilBanner();
      expect(output.indexOf('password: ')).toBeLessThan(output.indexOf('is running at'));
      expect(output.match(/password: /g)).toHaveLength(1);
    } finally {
      await service.dispose();
    }
  });

  it('can be set again, as each later start says', async () => {
    const email = uniqueEmail();
    const service = await Service.start({ ADMIN_EMAIL: email, ADMIN_PASSWORD: PASSWORD });
    try {
      await service.restart({ ADMIN_PASSWORD: undefined });
      const page = `http://localhost:${service.port}/reset-password`;
      const output = await service.untilBanner();
      expect(output).toContain(
        `administrator: ${email}; password lost? ${page} shows a link on this terminal.`,
      );
      expect(output).not.toContain('warning: ADMIN_PASSWORD');
      expect((await service.api().send('GET', '/reset-password')).status).toBe(200);
      expect((await service.api().post('/auth/forgot-password', { email })).status).toBe(202);
      await eventually(
        async () => service.output,
        (output) => output.includes(`Mail to ${email}`),
      );
    } finally {
      await service.dispose();
    }
  });

  it('in ADMIN_PASSWORD causes a warning if the account has another one', async () => {
    const email = uniqueEmail();
    const service = await Service.start({ ADMIN_EMAIL: email, ADMIN_PASSWORD: PASSWORD });
    try {
      await service.restart();
      expect(await service.untilBanner()).not.toContain('warning: ADMIN_PASSWORD');
      await service.restart({ ADMIN_PASSWORD: `${PASSWORD}!` });
      expect(await service.untilBanner()).toContain(
        `warning: ADMIN_PASSWORD is not the password of ${email}`,
      );
    } finally {
      await service.dispose();
    }
  });
});

describe('beside a running service', () => {
  let service: Service;
  const served = () => ({ DATA_DIR: service.settings['DATA_DIR'] });
  beforeAll(async () => {
    service = await Service.start(FRESH);
  });
  afterAll(() => service.dispose());

  it('a second start in the same folder names the process, and suggests another folder and port', async () => {
    const { exitCode, output } = await Service.refusal({ ...FRESH, ...served() });
    expect(exitCode).toBe(1);
    expect(output).toMatch(
      /^The embedded database in .* is in use by process \d+,.* DATA_DIR=\.data-2 PORT=3001\.$/m,
    );
    expect(output).not.toContain('    at ');
  });

  it('another one runs undisturbed with its own folder and port', async () => {
    const another = await Service.start({ ...FRESH, DATA_DIR: dataDir });
    try {
      const { email } = await newSession(another.api());
      expectError(await service.api().login({ email, password: PASSWORD }), 401, 'INVALID_CREDENTIALS');
    } finally {
      await another.dispose();
    }
  });

  it.each([
    ['report', 'Security report'],
    ['users', 'admin@example.com'],
    ['users show admin@example.com', 'admin@example.com'],
    ['doctor', 'Nothing found.'],
    ['migrate-users --dry-run', 'to be fixed'],
    ['keys', 'signs and verifies'],
  ])('%s works, and leaves no copy', (line, answer) => {
    const { stdout, stderr } = command(line, { ...served(), TMPDIR: dataDir });
    expect(stdout + stderr).toContain(answer);
    expect(stdout + stderr).not.toContain('in use');
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('a command that would write says what to do instead', () => {
    const { status, stderr } = command('users disable admin@example.com --force', served());
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^The embedded database in .* is in use by process \d+, .*stop it, or .*administrator routes\.$/m,
    );
    expect(stderr).not.toContain('    at ');
  });
});

describe('a misspelt variable', () => {
  it('is pointed out in the banner', async () => {
    const service = await Service.start({ ACCES_TOKEN_TTL: '5m' });
    try {
      expect(await service.untilBanner()).toContain(
        'warning: ACCES_TOKEN_TTL is not read: did you mean ACCESS_TOKEN_TTL?',
      );
    } finally {
      await service.dispose();
    }
  });

  it('is pointed out when the intended variable is missing', async () => {
    const { output } = await Service.refusal({
      ...FRESH,
      NODE_ENV: 'production',
      MONGO_URI: 'mongodb://u:secret@db',
    });
    expect(output).toContain('- MONGO_URI = (not read): did you mean MONGODB_URI?');
    expect(output).not.toContain('secret@');
  });
});

describe('.env', () => {
  const written = async (text: string) => {
    const service = await Service.start();
    writeFileSync(join(service.settings['DATA_DIR'] ?? '', '.env'), text);
    return service;
  };

  it('sets what the environment does not set, and the banner says so', async () => {
    const service = await written('# Of a developer\nPORT=1\nexport DOCS=off\nDEMO="off"\n');
    try {
      await service.restart();
      const output = await service.untilBanner();
      expect(output).toContain('  settings from .env\n');
      for (const path of ['/', '/docs']) expect((await service.api().send('GET', path)).status).toBe(404);
      for (const name of ['see it at work', '/docs']) expect(output).not.toContain(name);
    } finally {
      await service.dispose();
    }
  });

  it.each([
    [
      'PORT=3000\nMETRICS_TOKEN: hunter22\n',
      /^\.env, line 2, is not NAME=VALUE: fix the line, or remove it\.$/m,
    ],
    ['APP_URL="a\nb"\n\nhunter22', /^\.env, line 4, is not NAME=VALUE/m],
  ])('with a line that Node would skip is refused in one sentence: %j', async (text, sentence) => {
    const service = await written(text);
    const error: unknown = await service.restart().catch((reason: unknown) => reason);
    expect(String(error)).toMatch(sentence);
    expect(String(error).slice(String(error).indexOf('.env, line'))).not.toMatch(/hunter22| {4}at /);
  });

  it('is read by the commands too', () => {
    writeFileSync(join(dataDir, '.env'), 'DATABASE=memory-server\n');
    expect(command('report', {}, dataDir).stderr).toContain('DATABASE=memory-server');
    rmSync(join(dataDir, '.env'));
    writeFileSync(join(dataDir, '.env'), 'hunter22');
    const { status, stderr } = command('users', {}, dataDir);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/^\.env, line 1, is not NAME=VALUE/),
    });
  });
});

describe.each(['express', 'fastify'])('a front end elsewhere, on %s', (adapter) => {
  it('is named with the variable that admits it if its requests are refused', async () => {
    const service = await Service.start({ HTTP_ADAPTER: adapter });
    const advice = (context: string) =>
      new RegExp(`TRUSTED_ORIGINS=http://localhost:5173 .*"${context}"`, 'g');
    const headers = { origin: 'http://localhost:5173' };
    try {
      const preflight = { ...headers, 'access-control-request-method': 'POST' };
      for (let round = 0; round < 2; round += 1)
        await service.api().send('OPTIONS', '/auth/login', { headers: preflight });
      await service.api().send('OPTIONS', '/auth/login', { headers: { ...preflight, origin: 'http://a b' } });
      expectError(await service.api().post('/auth/login', {}, { headers }), 403, 'CROSS_SITE_REQUEST');
      await eventually(
        async () => service.output,
        (output) => advice('AuthErrorFilter').test(output),
      );
      expect(service.output.match(advice('Origins'))).toHaveLength(1);
      expect(service.output).not.toContain('a b');
      const from = service.output.length;
      await service.restart({ TRUSTED_ORIGINS: headers.origin });
      await service.api().send('OPTIONS', '/auth/login', { headers: preflight });
      expect((await service.api().post('/auth/login', {}, { headers })).status).toBe(400);
      expect(service.output.slice(from)).not.toContain('are refused');
    } finally {
      await service.dispose();
    }
  });
});

it('a missing key file is refused with the command that creates it', async () => {
  const { output } = await Service.refusal({ JWT_ACCESS_KEYS: './no-keys.json' });
  expect(output).toContain('names a file that does not exist');
  expect(output).toContain('npm run keys -- generate');
});

function command(line: string, environment: Environment, cwd = tmpdir()) {
  return spawnSync(process.execPath, [COMMAND, ...line.split(' ')], {
    cwd,
    env: { PATH: process.env.PATH, ...environment },
    encoding: 'utf8',
  });
}

/** A port on which another program listens. */
async function busyPort(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}
