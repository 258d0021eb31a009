import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { databaseUri } from '../support/database.js';
import { HostApp } from '../support/host-app.js';
import { newSession } from '../support/http.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { bin, version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
  bin: Record<string, string>;
  version: string;
};

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the file that `bin` names in its own process, with only this environment. */
async function silentAuth(line: string, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const command = [`${ROOT}${bin['silent-auth']}`, ...line.split(' ').filter(Boolean)];
  const running = promisify(execFile)(process.execPath, command, { env, cwd: '/' });
  return running.then(
    (outcome) => ({ code: 0, ...outcome }),
    (error: Outcome) => error,
  );
}

describe('silent-auth', () => {
  it.each(['', '--help', 'help'])('lists its commands: %p', async (line) => {
    const { code, stdout, stderr } = await silentAuth(line);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of ['keys', 'doctor', 'report', 'users', 'migrate-users'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it.each(['--version', '-v'])('prints its version: %s', async (line) => {
    expect(await silentAuth(line)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(['keys', 'doctor', 'report', 'users', 'migrate-users'])(
    '%s prints its usage when asked',
    async (command) => {
      const { code, stdout } = await silentAuth(`${command} --help`);
      expect(code).toBe(0);
      expect(stdout).toContain(`silent-auth ${command} `);
    },
  );

  it.each(['nonsense', 'toString', 'doctor --frobnicate'])('refuses %p, with its usage', async (line) => {
    const { code, stdout, stderr } = await silentAuth(line);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('silent-auth');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('keys: says which variable is missing', async () => {
    const { code, stderr } = await silentAuth('keys');
    expect(code).toBe(2);
    expect(stderr).toBe(
      'JWT_ACCESS_KEYS is not set: set it to the path of the access keys, such as file:keys/access.json\n',
    );
  });

  it('reads the connection string from a file, and says what is wrong with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'silent-auth-cli-'));
    try {
      const path = join(folder, 'uri');
      const missing = await silentAuth('doctor', { MONGODB_URI_FILE: path });
      expect(missing).toMatchObject({ code: 2, stdout: '' });
      expect(missing.stderr).toContain('MONGODB_URI_FILE = (path): there is no such file');
      writeFileSync(path, 'nonsense\n');
      const read = await silentAuth('doctor', { MONGODB_URI_FILE: path });
      expect(read).toMatchObject({ code: 2, stderr: 'MONGODB_URI is not a valid connection string.\n' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe('doctor', () => {
    it('says in one sentence that there is no database', async () => {
      for (const [env, sentence] of [
        [{}, /^There is no database in .*set MONGODB_URI.*\.\n$/],
        [
          { MONGODB_URI: 'mongodb://127.0.0.1:1/x' },
          /^The database does not answer: .*Check MONGODB_URI\.\n$/,
        ],
        [{ MONGODB_URI: 'nonsense' }, /^MONGODB_URI is not a valid connection string\.\n$/],
      ] as const) {
        const { code, stdout, stderr } = await silentAuth('doctor', env);
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
        expect(stderr).toMatch(sentence);
      }
    });

    it('finds an index that was dropped in the database of an application', async () => {
      const uri = databaseUri('command_doctor');
      const { AuthModule } = await import('../../src/index.js');
      const { authOptions } = await import('../support/host-app.js');
      const host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(authOptions())] }, uri);
      const client = await MongoClient.connect(uri);
      try {
        await newSession(host.api());
        const before = await silentAuth('doctor --json', { MONGODB_URI: uri });
        expect(
          JSON.parse(before.stdout).findings.map(({ subject }: { subject: string }) => subject),
        ).not.toContain(expect.stringContaining('refresh_tokens'));
        await client.db().collection('refresh_tokens').dropIndex('expiresAt_1');
        const { code, stdout } = await silentAuth('doctor --strict', { MONGODB_URI: uri });
        expect(code).toBe(1);
        expect(stdout).toMatch(/refresh_tokens.*\[database\.ttl-index\]/);
        expect(stdout).not.toContain('[options');
      } finally {
        await client.close();
        await host.stop();
      }
    });
  });
});
