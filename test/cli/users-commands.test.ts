import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CommandResult } from '../../src/cli/command-line.js';
import { explain } from '../../src/cli/explain.js';
import { runMigrateUsersCommand } from '../../src/cli/migrate-users/command.js';
import { runUsersCommand } from '../../src/cli/users/command.js';
import { answerText } from '../../src/cli/users/user-text.js';
import { AuditService, AuthModule, AuthService, UsersService } from '../../src/index.js';
import { databaseUri } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { authOptions, HostApp } from '../support/host-app.js';
import { anotherSession, expectError, PASSWORD, type Session, uniqueEmail } from '../support/http.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { bin } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { bin: Record<string, string> };
const SECRETS = /passwordHash|tokenVersion|rolesVersion|\$2[aby]\$/;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in this process, because starting one takes longer than the tests. */
async function silentAuth([name, ...argv]: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  const run = name === 'users' ? runUsersCommand : runMigrateUsersCommand;
  const { exitCode, output, isAnswer } = await run(argv, env).catch((error: unknown): CommandResult => ({
    exitCode: 2,
    output: `${explain(error)}\n`,
  }));
  const isStdout = isAnswer ?? exitCode === 0;
  return { code: exitCode, stdout: isStdout ? output : '', stderr: isStdout ? '' : output };
}

/** Runs the file that `bin` names in its own process, with only this environment. */
async function inProcess(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  const command = [`${ROOT}${bin['silent-auth']}`, ...args];
  return promisify(execFile)(process.execPath, command, { env, cwd: '/' }).then(
    (outcome) => ({ code: 0, ...outcome }),
    (error: Outcome) => error,
  );
}

describe('silent-auth users', () => {
  const uri = databaseUri('command_users');
  let host: HostApp;
  let admin: Session;
  let user: Session;
  const collections = ['--collection', 'users=members', '--field', 'passwordHash=secret'];

  beforeAll(async () => {
    const options = authOptions({
      collections: { users: 'members' },
      users: { fields: { passwordHash: 'secret' } },
      // Only guesses are limited, because the test logs in frequently.
      throttle: { login: { limit: 10_000, window: '1m' }, failures: { limit: 1, window: '10m' } },
      revocation: { pollInterval: 1 },
    });
    host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, uri);
    [admin, user] = [await registered(['admin']), await registered()];
  });
  afterAll(() => host.stop());

  async function registered(roles = ['user'], email = uniqueEmail()): Promise<Session> {
    await host.app.get(UsersService).register({ email, password: PASSWORD, roles, name: 'Ada\u001b[31m' });
    return anotherSession(host.api(), email);
  }
  const users = (...args: string[]) => silentAuth(['users', ...args, ...collections], { MONGODB_URI: uri });
  const asked = async (...args: string[]) => {
    const { code, stdout, stderr } = await users(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toMatch(SECRETS);
    return JSON.parse(stdout);
  };
  const meOf = async ({ accessToken }: Session) => {
    const answer = await host.api().me(accessToken);
    return answer.status === 200 ? 200 : (answer.json.code as string);
  };

  it('lists users, page by page, and finds them by address, role and state', async () => {
    const mark = 'cli-list';
    const made: Session[] = [];
    for (const name of ['b', 'a', 'c']) made.push(await registered(['user'], `${mark}-${name}@example.com`));
    await host.app.get(AuthService).setRoles(made[0]?.userId ?? '', ['special']);
    await host.app.get(AuthService).disableUser(made[1]?.userId ?? '');
    const emails = ({ items }: { items: { email: string }[] }) => items.map(({ email }) => email);
    const first = await asked('list', '--email', mark.toUpperCase(), '--limit', '2');
    expect(emails(first)).toEqual([`${mark}-a@example.com`, `${mark}-b@example.com`]);
    const last = await asked('--email', mark, '--limit', '2', '--after', first.next);
    expect([emails(last), last.next]).toEqual([[`${mark}-c@example.com`], undefined]);
    expect(emails(await asked('--role', 'special'))).toEqual([`${mark}-b@example.com`]);
    expect(emails(await asked('--disabled'))).toEqual([`${mark}-a@example.com`]);
    const newest = await asked('--limit', '1');
    expect(emails(newest)).toEqual([`${mark}-c@example.com`]);
    expect(emails(await asked('--limit', '1', '--after', newest.next))).toEqual([`${mark}-a@example.com`]);
    const { stdout } = await users('--email', mark);
    expect(stdout.split('\n')[0]).toMatch(/^[0-9a-f]{24}  cli-list-a@example\.com +user +disabled$/);
    expect((await users('--role', 'nobody')).stdout).toBe('No users.\n');
    expect(answerText({ items: [], next: 'abc' })).toBe('No users so far.\n\nMore: --after abc\n');
  });

  it('shows a user by address or id, and never a hash', async () => {
    for (const name of [user.userId, user.email, ` ${user.email.toUpperCase()}`]) {
      const { done, user: shown } = await asked('show', name);
      expect([done, shown]).toEqual([
        'show',
        expect.objectContaining({ id: user.userId, email: user.email, roles: ['user'], hasPassword: true }),
      ]);
    }
    const { stdout } = await users('show', user.userId);
    expect(stdout).toContain(user.email);
    expect(stdout).not.toMatch(SECRETS);
    expect(stdout).not.toContain('\u001b');
  });

  it('sets roles: the running service refuses tokens with the previous ones', async () => {
    const session = await registered();
    expect((await asked('roles', session.email, 'user', 'approver')).user.roles).toEqual([
      'user',
      'approver',
    ]);
    expect(
      await eventually(
        () => meOf(session),
        (code) => code !== 200,
      ),
    ).toBe('ACCESS_TOKEN_REVOKED');
    const { json } = await host.api().refresh(session.refreshToken);
    expect(json.user.roles).toEqual(['user', 'approver']);
    expect((await asked('roles', session.email, '--none')).user.roles).toEqual([]);
    const odd = await users('roles', session.email, 'x'.repeat(65));
    expect([odd.code, odd.stderr]).toEqual([1, expect.stringContaining('each role must be')]);
  });

  it('disables, enables and unlocks', async () => {
    const session = await registered();
    const login = (password: string) => host.api().login({ email: session.email, password });
    expect((await asked('disable', session.userId)).user.disabledAt).toEqual(expect.any(String));
    expect(
      await eventually(
        () => meOf(session),
        (code) => code !== 200,
      ),
    ).toBe('ACCESS_TOKEN_REVOKED');
    expectError(await host.api().refresh(session.refreshToken), 401, 'SESSION_REVOKED');
    expectError(await login(PASSWORD), 403, 'ACCOUNT_DISABLED');
    expect((await asked('unlock', session.userId)).done).toBe('unlock');
    expect((await asked('enable', session.userId)).user.disabledAt).toBeNull();
    expect((await login(PASSWORD)).status).toBe(200);
    await login('wrong');
    await login('wrong');
    expectError(await login(PASSWORD), 429, 'TOO_MANY_ATTEMPTS');
    await asked('unlock', session.email);
    // The service remembers its refusals for five seconds.
    const statusOf = async () => (await login(PASSWORD)).status;
    expect(await eventually(statusOf, (status) => status !== 429)).toBe(200);
  });

  it('deletes a user, and records it in the audit log', async () => {
    const session = await registered();
    expect((await asked('forget', session.email)).done).toBe('forget');
    expect(
      await eventually(
        () => meOf(session),
        (code) => code !== 200,
      ),
    ).toBe('ACCESS_TOKEN_REVOKED');
    expect(await host.app.get(UsersService).findById(session.userId)).toBeNull();
    await host.app.get(AuditService).flush();
    const events = host.connection.collection('security_events');
    expect(await events.findOne({ type: 'user.deleted', userId: session.userId })).not.toBeNull();
    const again = await users('forget', session.email);
    expect([again.code, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toBe(`There is no user ${session.email}.\n`);
  });

  it('keeps the last administrator, unless forced', async () => {
    for (const args of [
      ['roles', admin.email, 'user'],
      ['disable', admin.email],
      ['forget', admin.email],
    ]) {
      const { code, stderr } = await users(...args);
      expect([code, stderr]).toEqual([
        1,
        'This user is the last administrator. Use --force to do it anyway.\n',
      ]);
    }
    expect((await asked('roles', admin.email, 'admin', 'user')).user.roles).toEqual(['admin', 'user']);
    expect((await asked('roles', admin.email, 'user', '--force')).user.roles).toEqual(['user']);
  });

  it.each([
    ['frobnicate'],
    ['show'],
    ['show', 'a', 'b'],
    ['list', 'x'],
    ['roles', 'a@example.com'],
    ['roles', 'a@example.com', 'user', '--none'],
    ['--limit', '0'],
    ['--limit', 'x'],
    ['--collection', 'users'],
    ['--frobnicate'],
  ])('prints its usage: %p %p', async (...args) => {
    const given = args.filter((part) => typeof part === 'string');
    const { code, stdout, stderr } = await users(...given);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('silent-auth users');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('refuses names of collections and fields that the options do not know', async () => {
    for (const flag of [
      ['--collection', 'people=x'],
      ['--field', 'secret=x'],
    ]) {
      const { code, stderr } = await users(...flag);
      expect(code).toBe(2);
      expect(stderr).toMatch(/people|secret/);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });

  it('changes nothing if revocations are in Redis, to which it cannot write', async () => {
    const env = { MONGODB_URI: uri, REVOCATION_STORE: 'redis' };
    const { code, stderr } = await silentAuth(['users', 'disable', user.email, ...collections], env);
    expect([code, stderr]).toEqual([1, expect.stringContaining('Revocations are in Redis')]);
    expect((await silentAuth(['users', 'show', user.email, ...collections], env)).code).toBe(0);
    expect(await meOf(user)).toBe(200);
  });
});

describe('silent-auth migrate-users', () => {
  const uri = databaseUri('command_migrate');
  let host: HostApp;

  beforeAll(async () => {
    const options = authOptions({
      collections: { users: 'people' },
      users: { fields: { passwordHash: 'hash' } },
    });
    host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, uri);
  });
  afterAll(() => host.stop());

  it('reports first, then fixes what it can, and lists what is left', async () => {
    const people = host.connection.collection('people');
    const hash = '$pbkdf2-sha256$29000$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g';
    await people.insertMany([
      { email: ' Ada@MÜNCHEN.de', hash },
      { email: 'bob@example.com', hash: null, roles: ['editor'] },
    ]);
    const migrate = (...args: string[]) =>
      silentAuth(['migrate-users', '--collection', 'users=people', '--field', 'passwordHash=hash', ...args], {
        MONGODB_URI: uri,
      });
    const unknown = await migrate('--dry-run', '--json');
    expect([unknown.code, JSON.parse(unknown.stdout)]).toEqual([
      1,
      expect.objectContaining({ unknownHashes: 1 }),
    ]);
    const dry = await migrate('--dry-run', '--json', '--hashes', 'pbkdf2');
    expect([dry.code, dry.stderr]).toEqual([0, '']);
    expect(JSON.parse(dry.stdout)).toMatchObject({ users: 2, fixed: 2, mixedCaseEmails: 1, incomplete: 2 });
    expect(await people.findOne({ email: 'ada@xn--mnchen-3ya.de' })).toBeNull();
    const done = await migrate('--hashes', 'pbkdf2', '--roles', 'user, reader');
    expect([done.code, done.stderr]).toEqual([0, '']);
    expect(done.stdout).toMatch(/^users +2\nfixed +2\n/);
    expect(await people.findOne({ email: 'ada@xn--mnchen-3ya.de' })).toMatchObject({
      roles: ['user', 'reader'],
      tokenVersion: expect.any(String),
    });
    expect(await people.findOne({ email: 'bob@example.com' })).toMatchObject({ roles: ['editor'] });
    expect((await host.app.get(UsersService).findByEmail('ada@münchen.de'))?.roles).toEqual([
      'user',
      'reader',
    ]);
    const { insertedId } = await people.insertOne({ email: 7 });
    const left = await migrate();
    expect(left.code).toBe(1);
    expect(left.stdout).toContain(`  ${insertedId.toHexString()}  email is not a text`);
    expect(left.stdout).not.toContain('@');
  });

  it.each([[['--hashes', 'md5']], [['--field', 'x']], [['--frobnicate']], [['now']]])(
    'prints its usage: %p',
    async (args) => {
      const { code, stdout, stderr } = await silentAuth(['migrate-users', ...args], { MONGODB_URI: uri });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('silent-auth migrate-users');
    },
  );

  it('stops if its options are wrong', async () => {
    const { code, stderr } = await inProcess(['users', '--collection', 'nope=x'], { MONGODB_URI: uri });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('collections.nope') });
  });

  it('says in one sentence that the database does not answer', async () => {
    for (const command of ['migrate-users', 'users']) {
      const { code, stdout, stderr } = await inProcess([command], {
        MONGODB_URI: 'mongodb://127.0.0.1:1/x',
      });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^The database does not answer: .*Check MONGODB_URI\.\n$/);
    }
  });
});
