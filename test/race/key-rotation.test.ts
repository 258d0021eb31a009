import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUri } from '../support/database.js';
import { type Answer, type Api, newSession, type Session, sessionOf } from '../support/http.js';
import { type Environment, Service } from '../support/service.js';
import { headerOf } from '../support/tokens.js';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Short lifetimes, so that every phase takes seconds, but long enough for a busy machine. */
const LIVES = { ACCESS_TOKEN_TTL: '6s', REFRESH_IDLE_TTL: '8s' };
/** A token requested longer ago than this may have expired if the machine is busier still. */
const SURE_TO_LIVE_MS = 5_000;
const PROPAGATION = ['--propagation', '2s'];
const WITHIN_MS = 30_000;

describe('keys that rotate while two processes serve', () => {
  let dir: string;
  let environment: Environment;
  let services: Service[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'silent-auth-rotation-'));
    environment = {
      ...LIVES,
      MONGODB_URI: databaseUri('rotation'),
      JWT_ACCESS_KEYS: `file:${path('access')}`,
      JWT_REFRESH_KEYS: `file:${path('refresh')}`,
    };
    expect(await keys('generate', '--alg', 'ES256')).toBe(0);
    services = await Promise.all([Service.start(environment), Service.start(environment)]);
  });

  afterAll(async () => {
    await Promise.all(services.map((service) => service.dispose()));
    await rm(dir, { recursive: true });
  });

  const path = (kind: string): string => join(dir, `${kind}.json`);
  const api = (index: number): Api => (services[index % 2] as Service).api();

  /** Runs `npm run keys -- …` as an operator does beside the services; returns its exit code. */
  function keys(...line: string[]): Promise<number> {
    const env = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined));
    return new Promise((resolve) => {
      execFile(process.execPath, [COMMAND, 'keys', ...line], { env: env }, (error) =>
        resolve(error === null ? 0 : Number(error.code)),
      );
    });
  }

  async function kids(kind: string): Promise<string[]> {
    const { keys: list } = JSON.parse(await readFile(path(kind), 'utf8'));
    return list.map(({ kid }: { kid: string }) => kid);
  }

  async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + WITHIN_MS;
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
      await delay(100);
    }
  }

  /** Waits until both have loaded the file's current content. */
  async function known(): Promise<void> {
    const made = [(await kids('access')).at(-1) ?? '', (await kids('refresh')).at(-1) ?? ''];
    await until(() => services.every(({ output }) => made.every((kid) => output.includes(kid))), 'known');
  }

  /** All three phases, each as soon as the command allows it. */
  async function rotate(): Promise<void> {
    const [before] = await kids('access');
    expect(await keys('generate')).toBe(0);
    await known();
    await until(async () => (await keys('rotate', 'access', ...PROPAGATION)) === 0, 'access keys rotate');
    await until(async () => (await keys('rotate', 'refresh', ...PROPAGATION)) === 0, 'refresh keys rotate');
    expect((await kids('access')).indexOf(before ?? '')).toBe(1);
    for (const kind of ['access', 'refresh'])
      await until(async () => (await keys('retire', kind, ...PROPAGATION)) === 0, `${kind} keys retire`);
    expect(await kids('access')).not.toContain(before);
    expect(await Promise.all(['access', 'refresh'].map(kids))).toMatchObject([{ length: 1 }, { length: 1 }]);
  }

  it('twice, through all phases: no request of any client is refused', async () => {
    const refusals: string[] = [];
    const signers = new Set<string>();
    const answers = new Map<number, number>();
    let isOver = false;

    /** Whether the request was refused; counts it unless the token had expired because this test was late. */
    function isRefused({ status, text }: Answer, askedAt: number): boolean {
      if (status === 200) return false;
      const isLate = performance.now() - askedAt > SURE_TO_LIVE_MS && text.includes('_TOKEN_EXPIRED"');
      if (!isLate) refusals.push(text);
      return true;
    }

    /** A client that uses its tokens at alternating instances; `pause` is how long it then waits. */
    async function client(index: number, pause: number): Promise<{ session: Session; askedAt: number }> {
      let askedAt = performance.now();
      let session = await newSession(api(index));
      for (let turn = index; !isOver; turn += 1) {
        const refreshedAt = performance.now();
        const refresh = await api(turn).refresh(session.refreshToken);
        const isGone = isRefused(refresh, askedAt);
        askedAt = refreshedAt;
        session = isGone ? await newSession(api(turn)) : sessionOf(refresh);
        signers.add(headerOf(session.accessToken).kid);
        for (let use = 0; use < 6; use += 1) {
          isRefused(await api(turn + use).me(session.accessToken), askedAt);
          answers.set(index, (answers.get(index) ?? 0) + 1);
          await delay(pause / 6);
        }
      }
      return { session, askedAt };
    }

    // Busy clients, and some that come back when most of their tokens' lifetime is over.
    const clients = Promise.all([
      ...[0, 1, 2, 3].map((index) => client(index, 60)),
      ...[4, 5, 6, 7].map((index) => client(index, 3_600)),
    ]);
    const first = await kids('access');
    try {
      await rotate();
      await rotate();
    } finally {
      isOver = true;
    }
    const sessions = await clients;
    // Every client has used the tokens of several refreshes.
    for (const index of sessions.keys()) expect(answers.get(index)).toBeGreaterThanOrEqual(12);
    expect(signers.size).toBe(3);

    // The first keys are gone: their tokens are refused, and new tokens are accepted everywhere.
    expect([...signers][0]).toBe(first[0]);
    expect(await kids('access')).not.toContain(first[0]);
    for (const [index, { session, askedAt }] of sessions.entries())
      isRefused(await api(index + 1).refresh(session.refreshToken), askedAt);
    expect(refusals).toEqual([]);
  }, 150_000);

  it('with an unusable file, both keep their keys, report it, and load the fixed file', async () => {
    const session = await newSession(api(0));
    const sound = await readFile(path('access'), 'utf8');
    const logged = services.map(({ output }) => output.length);
    const says = (text: string) =>
      until(() => services.every(({ output }, at) => output.slice(logged[at]).includes(text)), text);

    const short = '{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}';
    for (const broken of ['{"keys":', '{"keys":[]}', short, '{"keys":[{"kty":"oct","k":5}]}']) {
      await writeFile(path('access'), broken);
      await says('keeps its current keys');
      for (const index of [0, 1]) expect((await api(index).me(session.accessToken)).status).toBe(200);
      services.forEach(({ output }, at) => (logged[at] = output.length));
    }
    await writeFile(path('access'), sound);
    expect(await keys('generate', 'access')).toBe(0);
    const [, made = ''] = await kids('access');
    await says(made);
    for (const { output } of services) expect(output).not.toContain(JSON.parse(sound).keys[0].d);
  });
});
