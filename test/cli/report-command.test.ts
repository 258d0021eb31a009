import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { Binary, MongoClient } from 'mongodb';
import { runReportCommand } from '../../src/cli/report/command.js';
import { databaseUri } from '../support/database.js';
import { anotherSession, newSession, PASSWORD, uniqueEmail } from '../support/http.js';
import { Service } from '../support/service.js';

const ENTRY = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const ADMIN_EMAIL = 'root@example.com';
const TODAY = new Date().toISOString().slice(0, 10);
/** A user agent that would clear the screen and fake a message if it were printed unchanged. */
const EVIL = '\u001b[2J\u001b[31mall is well\u009b0m\u202eoops';

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'silent-auth-report-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

type Environment = Record<string, string | undefined>;

const words = (line: string) => line.split(' ').filter(Boolean);
const environmentOf = (given: Environment) => ({ DATA_DIR: join(dir, 'none'), ...given });

/** Runs `npx silent-auth report` in its own process, with only this environment. */
async function report(line: string, environment: Environment = {}): Promise<Outcome> {
  const env = Object.entries({ PATH: process.env.PATH, ...environmentOf(environment) });
  const child = spawn(process.execPath, [ENTRY, 'report', ...words(line)], {
    cwd: dir,
    env: Object.fromEntries(env.filter(([, value]) => value !== undefined)),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { exitCode, stdout, stderr };
}

/** Runs the command in this process, where the environment does not matter: a process takes long to start. */
async function run(line: string, environment: Environment = {}): Promise<Outcome> {
  const { exitCode, output } = await runReportCommand(words(line), environmentOf(environment), {
    columns: undefined,
    hasColors: false,
    write: writeFileSync,
  });
  return exitCode === 0 ? { exitCode, stdout: output, stderr: '' } : { exitCode, stdout: '', stderr: output };
}

/** Expects one sentence for the operator, without internals. */
function expectRefusal({ exitCode, stdout, stderr }: Outcome, sentence: string | RegExp): void {
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(sentence);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).not.toMatch(/\bat \S+ \(|node_modules|AuthError/);
}

async function everythingIn(uri: string) {
  const client = await MongoClient.connect(uri);
  try {
    const collections = await client.db().listCollections().toArray();
    const names = collections.map(({ name }) => name).sort();
    return await Promise.all(
      names.map(async (name) => ({
        name,
        indexes: await client.db().collection(name).indexes(),
        documents: await client.db().collection(name).find().sort({ _id: 1 }).toArray(),
      })),
    );
  } finally {
    await client.close();
  }
}

describe('silent-auth report', () => {
  const uri = databaseUri('report_command');
  let service: Service;
  let email: string;

  beforeAll(async () => {
    service = await Service.start({ MONGODB_URI: uri, ADMIN_EMAIL, ADMIN_PASSWORD: PASSWORD });
    email = uniqueEmail();
    const api = service.api();
    await newSession(api, { email });
    for (let attempt = 0; attempt < 3; attempt += 1) await api.login({ email, password: 'wrong' });
    // Rows and counters are written when it stops.
    await service.restart();
    const client = await MongoClient.connect(uri);
    await client
      .db()
      .collection('security_events')
      .insertOne({
        _id: eventIdNow() as never,
        at: new Date(),
        type: 'refresh_token.reuse_detected',
        userId: 'u',
        sessionId: 's',
        ip: '203.0.113.9',
        userAgent: EVIL,
        reason: 'successor_confirmed',
        evidence: { generation: 3, presentedGeneration: 1, revoked: true, lastUse: null },
        expiresAt: new Date(Date.now() + 86_400_000),
      });
    await client.close();
  });
  afterAll(() => service?.dispose());

  it('prints all parts of the report, in lines that fit', async () => {
    // The same numbers as from the service itself.
    const { exitCode, stdout, stderr } = await report('', { MONGODB_URI: uri, THROTTLE: 'off' });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Security report, \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d\n/);
    expect(stdout).toMatch(/ {2}login\.failed +3 {2}·{29}█\n/);
    expect(stdout).toMatch(/ {2}login\.failed {2}wrong_password {2}3 {2}█/);
    expect(stdout).toContain(email);
    expect(stdout).toContain('successor_confirmed, generation 1 of 3, session ended');
    expect(stdout).toMatch(/Indexes\n {2}all \d+ are correct/);
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
  });

  it('prints only plain text of what users sent', async () => {
    const { stdout } = await report('', { MONGODB_URI: uri, FORCE_COLOR: '3' });
    // There are no colours either, because this is not a terminal.
    expect(stdout).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
    expect(stdout).toMatch(/203\.0\.113\.9 {2}all is well ?oops/);
  });

  it('does not change the database, and needs none of the service’s keys', async () => {
    const before = await everythingIn(uri);
    expect((await report('--format json', { MONGODB_URI: uri, NODE_ENV: 'production' })).exitCode).toBe(0);
    expect(await everythingIn(uri)).toEqual(before);
    const empty = databaseUri('report_empty');
    const { stdout } = await run('--format json', { MONGODB_URI: empty });
    expect(await everythingIn(empty)).toEqual([]);
    const { indexes } = JSON.parse(stdout) as { indexes: { collection: string; state: string }[] };
    expect(new Set(indexes.map(({ state }) => state))).toEqual(new Set(['missing']));
    expect(indexes.map(({ collection }) => collection)).toEqual(
      expect.arrayContaining(['refresh_tokens', 'revocations', 'security_events', 'throttle', 'users']),
    );
    expect(existsSync(join(dir, 'none'))).toBe(false);
  });

  it('writes each format to a file that only its owner can read', async () => {
    const days = `--from ${TODAY} --to ${TODAY}`;
    for (const format of ['text', 'json', 'csv', 'html']) {
      const line = `${days} --format ${format} --output ${join(dir, `report.${format}`)}`;
      // One of the files exists already, readable by everybody.
      if (format === 'html') writeFileSync(join(dir, 'report.html'), 'old', { mode: 0o644 });
      const ask = format === 'html' ? report : run;
      expect(await ask(line, { MONGODB_URI: uri })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    }
    expect(statSync(join(dir, 'report.html')).mode & 0o777).toBe(0o600);
    const [text, json, csv, html] = ['text', 'json', 'csv', 'html'].map((format) =>
      readFileSync(join(dir, `report.${format}`), 'utf8'),
    ) as [string, string, string, string];
    expect(text).toContain(`Security report, ${TODAY} to ${TODAY}`);
    expect(JSON.parse(json)).toMatchObject({ from: TODAY, to: TODAY, reuseCases: [{ userId: 'u' }] });
    const lines: Record<string, string>[] = parse(csv, { bom: true, columns: true });
    expect(lines.find(({ section }) => section === 'topTargets')?.email).toBe(email);
    expect(html).toMatch(/^<!doctype html>/);
    const nowhere = join(dir, 'no', 'such', 'folder.csv');
    expectRefusal(
      await report(`--output ${nowhere}`, { MONGODB_URI: uri }),
      /cannot be written: .*no such file/,
    );
  });

  it("asks a running service with the administrator's token", async () => {
    const { accessToken } = await anotherSession(service.api(), ADMIN_EMAIL);
    const ask = (token: string | undefined, line = '') =>
      run(`--url ${service.origin}/ ${line}`, { ACCESS_TOKEN: token });
    const { exitCode, stdout } = await ask(accessToken, '--format json');
    expect(exitCode).toBe(0);
    const direct = await run('--format json', { MONGODB_URI: uri });
    const [asked, read] = [stdout, direct.stdout].map(
      (text) => JSON.parse(text) as Record<string, unknown>,
    ) as [Record<string, unknown>, Record<string, unknown>];
    expect(asked.topTargets).toEqual(read.topTargets);
    expect(asked.reuseCases).toEqual(read.reuseCases);
    expect((await ask(accessToken)).stdout).toContain('Live sessions now');

    expectRefusal(await ask(undefined), 'ACCESS_TOKEN is not set');
    expectRefusal(await ask('nonsense'), 'refuses the token in ACCESS_TOKEN (ACCESS_TOKEN_INVALID)');
    const user = await newSession(service.api());
    expectRefusal(await ask(user.accessToken), 'only to administrators');
    const odd = await ask(accessToken, '--from 2026-01-02 --to 2026-01-01');
    expect(odd).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^--to must not be before from/),
    });
  });

  it('explains in one sentence why a service has no report', async () => {
    const answers: [number, Record<string, string>, string][] = [
      [302, { location: 'https://elsewhere.example.com/' }, ''],
      [404, {}, 'not here'],
      [502, {}, '<html>'],
      [200, {}, '<html>'],
    ];
    const server: Server = createServer((_request, response) => {
      const [status, headers, body] = answers.shift() ?? [500, {}, ''];
      response.writeHead(status, headers).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = () => run(`--url ${url}`, { ACCESS_TOKEN: 'x' });
    expectRefusal(await ask(), /redirects: .*https:\/\/elsewhere\.example\.com\//);
    expectRefusal(await ask(), 'has no security report');
    expectRefusal(await ask(), 'answered with status 502');
    expectRefusal(await ask(), 'is not a security report');
    await new Promise((resolve) => server.close(resolve));
    expectRefusal(await ask(), /does not answer: \S/);
  });

  it('never prints the token, whatever it is, and sends none that is malformed', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.writeHead(500).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const ACCESS_TOKEN of ['secret-head\nsecret-tail', 'secret ž', '"secret"', 'Bearer secret']) {
      const outcome = await run(`--url ${url}`, { ACCESS_TOKEN });
      expectRefusal(outcome, 'ACCESS_TOKEN is not an access token');
      expect(outcome.stderr).not.toContain('secret');
    }
    expect(asked).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('accepts no other answer as a report, and prints only plain text of it', async () => {
    const refusal = (status: number, error: object, headers = {}) =>
      [status, headers, JSON.stringify(error)] as const;
    const report = {
      ...(JSON.parse((await run('--format json', { MONGODB_URI: uri })).stdout) as object),
      indexes: [
        { collection: EVIL, index: EVIL, isTtl: false, state: 'different', found: EVIL, overdueMs: null },
      ],
      totals: [{ type: EVIL, count: 1 }],
      reasons: [{ type: EVIL, reason: EVIL, count: 1 }],
    };
    const answers: (readonly [number, Record<string, string>, string])[] = [
      [200, {}, 'null'],
      [200, {}, '{}'],
      [200, {}, '[]'],
      [200, {}, JSON.stringify({ ...report, generatedAt: 'never' })],
      [200, {}, JSON.stringify({ ...report, days: null })],
      [200, {}, JSON.stringify({ ...report, from: EVIL })],
      [200, {}, JSON.stringify({ ...report, reuseCases: [null] })],
      refusal(500, { code: 'INTERNAL', message: EVIL }),
      refusal(401, { code: EVIL, message: EVIL }),
      refusal(400, { code: 'VALIDATION_FAILED', message: EVIL, details: [{ field: 'to', message: EVIL }] }),
      refusal(400, { code: 'MALFORMED_REQUEST', message: 'no idea' }),
      [200, {}, JSON.stringify(report)],
    ];
    const server = createServer((_request, response) => {
      const [status, headers, body] = answers.shift() ?? [500, {}, ''];
      response.writeHead(status, headers).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const ask = () =>
      run(`--url http://127.0.0.1:${(server.address() as AddressInfo).port}`, { ACCESS_TOKEN: 'x' });
    for (let count = 0; count < 7; count += 1) expectRefusal(await ask(), 'is not a security report');
    const shown = [await ask(), await ask(), await ask()];
    for (const { exitCode, stderr } of shown) {
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain('all is well');
    }
    expectRefusal(await ask(), /answered with status 400: no idea/);
    shown.push(await ask());
    expect(shown.at(-1)?.exitCode).toBe(0);
    for (const { stdout, stderr } of shown) expect(stdout + stderr).not.toMatch(/[\u001b\u009b\u202e]/);
    await new Promise((resolve) => server.close(resolve));
  });

  it('reads the embedded database, also of a running service, and does not change it', async () => {
    const DATA_DIR = join(dir, 'embedded');
    const embedded = await Service.start({ MONGODB_URI: undefined, DATA_DIR });
    try {
      await newSession(embedded.api());
      expect((await report('', { DATA_DIR })).stdout).toMatch(/user\.registered +1\b/);
    } finally {
      await embedded.stop();
    }
    const contents = () =>
      readdirSync(join(DATA_DIR, 'db')).map((name) => readFileSync(join(DATA_DIR, 'db', name)));
    const before = contents();
    expect((await report('', { DATA_DIR })).stdout).toContain('Security report');
    expect(contents()).toEqual(before);
    await embedded.dispose();
  }, 180_000);

  it('explains why there is nothing to read', async () => {
    expectRefusal(await run(''), /There is no database in .*none.db yet/);
    expectRefusal(await run('', { MONGODB_URI: uri, AUDIT: 'off' }), 'AUDIT is off');
    expectRefusal(await run('', { DATABASE: 'memory-server' }), 'use --url');
    const closed = 'mongodb://127.0.0.1:1/nothing';
    expectRefusal(await run('', { MONGODB_URI: closed }), /The database does not answer.*MONGODB_URI/);
  });

  test.each([
    ['--format pdf', "no format 'pdf'"],
    ['--from yesterday', '--from needs a day'],
    ['--to 2026-02-30', '--to needs a day'],
    ['--from 2026-02-02 --to 2026-02-01', 'to must not be before from'],
    ['--from 2020-01-01 --to 2026-01-01', 'at most 400 days'],
    ['--url https://user:secret@auth.example.com', '--url needs'],
    ['--url ftp://x', '--url needs'],
    ['--url nonsense', '--url needs'],
    ['--frmo 2026-01-01', '--frmo'],
    ['now', 'now'],
  ])('called with %s prints its usage and exits with 2', async (line, message) => {
    const { exitCode, stdout, stderr } = await run(line, { MONGODB_URI: uri });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('silent-auth report [options]');
  });

  it('prints its usage when asked', async () => {
    const { exitCode, stdout } = await run('--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--output FILE');
  });
});

/** As the library creates them (RFC 9562 §5.7). */
function eventIdNow(): Binary {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return new Binary(bytes, Binary.SUBTYPE_UUID);
}
