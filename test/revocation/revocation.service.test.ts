import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { AuthError } from '../../src/core/errors.js';
import type {
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationObserver,
  RevocationStore,
} from '../../src/core/ports.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { type RevocableToken, RevocationService } from '../../src/revocation/revocation.service.js';

const POLL_MS = 1000;
const MAX_STALENESS_MS = 30_000;
const TTL_MS = 900_000;
const MINT_IN_FLIGHT_MS = 60_000;
const OPTIONS = resolveOptions({
  issuer: 'https://api.example.com',
  keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
});
const TOKEN: RevocableToken = { jti: 'j1', sid: 's1', gen: 3, ver: 'v1', sub: 'u1' };

type Answer = Awaited<ReturnType<RevocationStore['read']>>;

/** A store shared with other processes; the test decides what a read answers, and when. */
class SharedStore implements RevocationStore {
  readonly written: RevocationEntry[][] = [];
  readonly marks: (RevocationMark | null)[] = [];
  readonly asked: (readonly RevocationKey[])[] = [];
  /** The answer to the next reads. */
  entries: RevocationEntry[] = [];
  mark: RevocationMark = { at: new Date(0) };
  down = false;
  /** While set, reads wait here until the test answers them. */
  held: ((answer: Answer) => void)[] | null = null;

  async add(entries: readonly RevocationEntry[]): Promise<void> {
    if (this.down) throw new AuthError('TEMPORARILY_UNAVAILABLE');
    this.written.push([...entries]);
  }

  async hasAny(keys: readonly RevocationKey[]): Promise<boolean> {
    this.asked.push(keys);
    if (this.down) throw new Error('out of reach');
    return this.entries.some(({ key }) => keys.includes(key));
  }

  async read(since: RevocationMark | null): Promise<Answer> {
    this.marks.push(since);
    const { held } = this;
    if (held) return new Promise((resolve) => held.push(resolve));
    if (this.down) throw new Error('out of reach');
    return { entries: this.entries, mark: this.mark };
  }
}

let store: SharedStore;
let nowMs: number;
let service: RevocationService;
let warnings: string[];

beforeEach(() => {
  jest.useFakeTimers();
  warnings = [];
  jest
    .spyOn(Logger.prototype, 'warn')
    .mockImplementation((message: unknown) => void warnings.push(String(message)));
  store = new SharedStore();
  nowMs = Date.parse('2026-01-01T00:00:00.000Z');
  service = new RevocationService(OPTIONS, store, { now: () => nowMs });
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** Advances both clocks: that of expiry, and the process's own, which measures staleness. */
async function pass(ms: number): Promise<void> {
  nowMs += ms;
  await jest.advanceTimersByTimeAsync(ms);
}

const inFuture = (ms = TTL_MS) => new Date(nowMs + ms);

/** The verdict at once, or a promise in mode `strict` and when the list is outdated. */
function verdict(token: Partial<RevocableToken> = {}): boolean | Promise<boolean | string> {
  const isRevoked = service.isRevoked({ ...TOKEN, ...token });
  if (typeof isRevoked === 'boolean') return isRevoked;
  return isRevoked.catch((error: unknown) => {
    if (error instanceof AuthError) return error.code;
    throw error;
  });
}

describe(RevocationService.name, () => {
  describe('at boot', () => {
    it('accepts no token before it has read the list', async () => {
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('reads the whole list before the first request is served', async () => {
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture() }];
      await service.onApplicationBootstrap();
      expect(store.marks).toEqual([null]);
      expect(verdict()).toBe(true);
      expect(verdict({ sid: 's2' })).toBe(false);
    });

    it('does not start if the list cannot be read', async () => {
      store.down = true;
      await expect(service.onApplicationBootstrap()).rejects.toThrow('out of reach');
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  describe('a store that can lose entries', () => {
    const known = (key: RevocationKey): RevocationEntry => ({ key, expiresAt: inFuture() });

    it.each([
      [true, 1],
      [false, 0],
      [undefined, 0],
    ])(
      'canLoseEntries: %s: entries missing from a full read are written again',
      async (canLoseEntries, times) => {
        Object.assign(store, { canLoseEntries });
        store.entries = [known('sid:s1'), known('sid:s2')];
        await service.onApplicationBootstrap();
        store.entries = store.entries.slice(0, 1);
        // Within the interval of a full read.
        await pass(MAX_STALENESS_MS + POLL_MS);
        expect(store.written.flat().filter(({ key }) => key === 'sid:s2').length > 0).toBe(times > 0);
        expect(store.written.flat().filter(({ key }) => key === 'sid:s1')).toEqual([]);
        expect(verdict({ sid: 's2' })).toBe(true);
      },
    );

    it('does not write expired entries again', async () => {
      Object.assign(store, { canLoseEntries: true });
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture(5_000) }];
      await service.onApplicationBootstrap();
      store.entries = [];
      await pass(MAX_STALENESS_MS + POLL_MS);
      expect(store.written).toEqual([]);
    });
  });

  describe('isRevoked', () => {
    beforeEach(async () => {
      await service.onApplicationBootstrap();
    });

    it.each([
      ['its own id', () => service.revokeToken('j1', inFuture())],
      ['its session', () => service.revokeSessions(['s0', 's1'])],
      ['the token version of its user', () => service.revokeTokenVersion('v1')],
    ])('refuses a token by %s, at once in this process', async (_by, revoke) => {
      expect(verdict()).toBe(false);
      const revoking = revoke();
      expect(verdict()).toBe(true);
      await revoking;
      expect(verdict({ jti: 'j2', sid: 's2', ver: 'v2' })).toBe(false);
    });

    it('does not confuse ids of different kinds', async () => {
      await service.revokeSessions(['x']);
      expect(verdict({ jti: 'x', ver: 'x' })).toBe(false);
      expect(verdict({ jti: 'sid:x', ver: 'sid:x' })).toBe(false);
      expect(verdict({ sid: 'x' })).toBe(true);
    });

    it('reports what this process knows of a session and of a token', async () => {
      await service.revokeSessions(['s1']);
      await service.revokeTokenVersion('v1');
      await service.revokeToken('j1', inFuture());
      const known = [
        ['s1', 'v2'],
        ['s2', 'v1'],
        ['s2', 'v2'],
        ['v1', 's1'],
      ].map(([sid = '', ver = '']) => service.isSessionRevoked(sid, ver));
      expect(known).toEqual([true, true, false, false]);
      expect(['j1', 'j2', 's1'].map((jti) => service.isTokenRevoked(jti))).toEqual([true, false, false]);
      expect(service.isOn).toBe(true);
    });

    it('refuses a token by the version of its roles, and by that of its actor', async () => {
      await service.revokeRolesVersion('r1');
      await service.revokeRolesVersion('u2');
      expect([verdict({ rol: 'r1' }), verdict({ rol: 'r2' })]).toEqual([true, false]);
      // Without a version, the user id stands for it.
      expect([verdict({ sub: 'u2' }), verdict({ sub: 'u2', rol: 'r2' })]).toEqual([true, false]);
      expect(verdict({ act: { sub: 'admin', rol: 'r1' } })).toBe(true);
      expect(verdict({ act: { sub: 'u2' } })).toBe(true);
      expect(verdict({ act: { sub: 'u2', rol: 'r2' } })).toBe(false);
    });

    it('finds out whether any of several keys is listed', async () => {
      await service.revokeSessions(['s1']);
      expect(service.isListed(['ver:v1', 'sid:s1'])).toBe(true);
      expect(service.isListed(['ver:v1', 'sid:s2'])).toBe(false);
    });

    it('reports each revocation to a listener once, its own and those of other processes', async () => {
      const heard: RevocationKey[] = [];
      const end = service.onRevoked((keys) => heard.push(...keys));
      const revoking = service.revokeSessions(['s1']);
      expect(heard).toEqual(['sid:s1']);
      await revoking;
      store.entries = [
        { key: 'sid:s1', expiresAt: inFuture() },
        { key: 'ver:v1', expiresAt: inFuture() },
      ];
      await pass(2 * POLL_MS);
      expect(heard).toEqual(['sid:s1', 'ver:v1']);
      end();
      await service.revokeToken('j1', inFuture());
      expect(heard).toHaveLength(2);
    });

    it('sends no database command', async () => {
      const reads = store.marks.length;
      for (let request = 0; request < 1000; request++) void verdict({ jti: `j${request}` });
      expect(store.marks.length).toBe(reads);
    });
  });

  describe('what it writes for other processes', () => {
    beforeEach(async () => {
      await service.onApplicationBootstrap();
    });

    it('lasts as long as a token that is being issued at this moment could', async () => {
      await service.revokeSessions(['s1', 's2']);
      await service.revokeTokenVersion('v1');
      const expiresAt = inFuture(TTL_MS + MINT_IN_FLIGHT_MS);
      expect(store.written).toEqual([
        [
          { key: 'sid:s1', expiresAt },
          { key: 'sid:s2', expiresAt },
        ],
        [{ key: 'ver:v1', expiresAt }],
      ]);
    });

    it('lasts as long as the one token it names', async () => {
      await service.revokeToken('j1', inFuture(5000));
      expect(store.written).toEqual([[{ key: 'jti:j1', expiresAt: inFuture(5000) }]]);
    });

    it('is nothing if there is no session', async () => {
      await service.revokeSessions([]);
      expect(store.written).toEqual([]);
    });

    it('a failed write is reported to the caller, and the token is still refused here', async () => {
      store.down = true;
      await expect(service.revokeSessions(['s1'])).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
      expect(verdict()).toBe(true);
    });

    it('waits for the store up to a limit, after which only the caller learns that it failed', async () => {
      store.down = true;
      const ids = Array.from({ length: 10_001 }, (_, index) => `s${index}`);
      await expect(service.revokeSessions(ids)).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
      expect(service.stats).toEqual({ held: 10_001, waiting: 10_000 });
      expect(verdict({ sid: 's10000' })).toBe(true);
      store.down = false;
      await pass(POLL_MS);
      expect(service.stats.waiting).toBe(0);
      expect(store.written.flat().map(({ key }) => key)).toEqual(ids.slice(0, -1).map((id) => `sid:${id}`));
    });

    it('is not retried once it has expired', async () => {
      store.down = true;
      await service.revokeSessions(['over']).catch(() => undefined);
      await pass(TTL_MS);
      await service.revokeSessions(['alive']).catch(() => undefined);
      // The sweep runs every half minute.
      await pass(MINT_IN_FLIGHT_MS + 32_000);
      expect(service.stats).toEqual({ held: 1, waiting: 1 });
      store.down = false;
      await pass(POLL_MS);
      expect(store.written.flat().map(({ key }) => key)).toEqual(['sid:alive']);
    });

    it('still waits if only an earlier write of the same key succeeds', async () => {
      const answers: ((failure?: Error) => void)[] = [];
      store.add = () =>
        new Promise((resolve, reject) =>
          answers.push((failure) => (failure ? reject(failure) : resolve(undefined))),
        );
      const first = service.revokeSessions(['s1']);
      nowMs += 1;
      const second = service.revokeSessions(['s1']);
      answers[1]?.(new Error('out of reach'));
      await expect(second).rejects.toThrow('out of reach');
      answers[0]?.();
      await first;
      expect(service.stats.waiting).toBe(1);
    });

    it('does not block reads while writes fail', async () => {
      store.add = () => Promise.reject(new Error('read-only'));
      await service.revokeSessions(['s1']).catch(() => undefined);
      await pass(2 * MAX_STALENESS_MS);
      expect(service.isInTouch).toBe(true);
      expect(warnings.join()).toContain('revocations wait to be written: Error: read-only');
    });

    it('is counted: entries held, and entries that wait for the store', async () => {
      await service.revokeToken('j1', inFuture());
      expect(service.stats).toEqual({ held: 1, waiting: 0 });
      store.down = true;
      await service.revokeSessions(['s1', 's2']).catch(() => undefined);
      expect(service.stats).toEqual({ held: 3, waiting: 2 });
      store.down = false;
      await pass(POLL_MS);
      expect(service.stats).toEqual({ held: 3, waiting: 0 });
    });
  });

  describe('following the other processes', () => {
    beforeEach(async () => {
      store.mark = { at: new Date(111) };
      await service.onApplicationBootstrap();
    });

    it('knows within one poll what another process revoked', async () => {
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture() }];
      await pass(POLL_MS - 1);
      expect(verdict()).toBe(false);
      await pass(1);
      expect(verdict()).toBe(true);
    });

    it('passes the mark of its last successful read back, so that the store omits nothing', async () => {
      store.mark = { at: new Date(222) };
      await pass(POLL_MS);
      store.down = true;
      store.mark = { at: new Date(333) };
      await pass(POLL_MS);
      store.down = false;
      await pass(POLL_MS);
      await pass(POLL_MS);
      expect(store.marks.map((mark) => mark?.at.getTime() ?? null)).toEqual([null, 111, 222, 222, 333]);
    });

    it.each([
      ['every minute', 300_000, 60_000],
      ['within the limit of staleness, if that is shorter', MAX_STALENESS_MS, MAX_STALENESS_MS],
    ])('reads everything %s; until then the list counts as fresh', async (_when, maxStalenessMs, everyMs) => {
      await service.onModuleDestroy();
      store.marks.length = 0;
      const revocation = { ...OPTIONS.revocation, maxStalenessMs };
      service = new RevocationService({ ...OPTIONS, revocation }, store, { now: () => nowMs });
      await service.onApplicationBootstrap();
      for (let ms = 0; ms < 2 * everyMs; ms += POLL_MS) await pass(POLL_MS);
      const fullReads = store.marks.flatMap((mark, poll) => (mark ? [] : [poll * POLL_MS]));
      expect(fullReads).toEqual([0, everyMs, 2 * everyMs]);
    });

    it('accepts repeated entries: reads overlap', async () => {
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture() }];
      for (let poll = 0; poll < 5; poll++) await pass(POLL_MS);
      expect(verdict()).toBe(true);
    });

    it('an entry with an earlier expiry, read later, does not shorten a longer one', async () => {
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture(600_000) }];
      await pass(POLL_MS);
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture(5000) }];
      await pass(POLL_MS);
      store.entries = [];
      await pass(300_000);
      expect(verdict()).toBe(true);
    });

    it('keeps its own revocation when an earlier read returns without it', async () => {
      store.held = [];
      await pass(POLL_MS);
      await service.revokeSessions(['s1']);
      store.held[0]?.({ entries: [], mark: store.mark });
      store.held = null;
      await pass(POLL_MS);
      expect(verdict()).toBe(true);
    });

    it('never runs two reads at once, so a slow store is not asked faster', async () => {
      store.held = [];
      await pass(10 * POLL_MS);
      expect(store.held).toHaveLength(1);
    });
  });

  describe('a store that pushes', () => {
    let observer: RevocationObserver | null;
    let opened: number;
    let closed: number;
    const SAFETY_READ_MS = 5000;

    beforeEach(async () => {
      observer = null;
      opened = closed = 0;
      jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
      const watch: RevocationStore['watch'] = async (given) => {
        if (store.down) throw new Error('out of reach');
        opened += 1;
        observer = given;
        return { description: 'stream', close: async () => void (closed += 1) };
      };
      service = new RevocationService(OPTIONS, Object.assign(store, { watch }), { now: () => nowMs });
      await service.onApplicationBootstrap();
    });

    it('is watched before it is read, so that nothing is missed, and pushed entries count at once', () => {
      expect([opened, store.marks]).toEqual([1, [null]]);
      observer?.entriesAdded([{ key: 'sid:s1', expiresAt: inFuture() }]);
      expect(verdict()).toBe(true);
    });

    it('is still read, less frequently, because pushes may have been missed', async () => {
      await pass(SAFETY_READ_MS - 1);
      expect(store.marks).toHaveLength(1);
      await pass(1);
      expect(store.marks).toHaveLength(2);
      store.down = true;
      for (let second = 0; second < 40; second += 1) {
        await pass(1000);
        observer?.entriesAdded([{ key: `sid:${second}`, expiresAt: inFuture() }]);
      }
      expect(await verdict({ sid: 'x' })).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('a lost watch: everything is read at once and again after the next watch begins, and polled in between', async () => {
      store.down = true;
      observer?.watchLost(new Error('history lost'));
      expect(warnings.join()).toContain('history lost');
      await pass(10 * POLL_MS);
      expect([opened, closed]).toEqual([1, 1]);
      store.down = false;
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture() }];
      const before = store.marks.length;
      await pass(2 * POLL_MS);
      expect(opened).toBe(2);
      expect(store.marks.slice(before)).toContain(null);
      expect(verdict()).toBe(true);
      const reads = store.marks.length;
      await pass(SAFETY_READ_MS - 2 * POLL_MS);
      expect(store.marks.length).toBeLessThanOrEqual(reads + 1);
    });

    it('is read more frequently if the limit of staleness is short', async () => {
      await service.onModuleDestroy();
      const revocation = { ...OPTIONS.revocation, maxStalenessMs: 12_000 };
      service = new RevocationService({ ...OPTIONS, revocation }, store, { now: () => nowMs });
      await service.onApplicationBootstrap();
      const reads = store.marks.length;
      await pass(1999);
      expect(store.marks).toHaveLength(reads);
      await pass(1);
      expect(store.marks).toHaveLength(reads + 1);
    });

    it('is read at each poll while reads fail, even if the watch is open', async () => {
      store.down = true;
      await pass(SAFETY_READ_MS);
      const reads = store.marks.length;
      await pass(POLL_MS);
      expect(store.marks).toHaveLength(reads + 1);
    });

    it('a watch lost during a read: it is read again at once, because pushes may have been missed', async () => {
      const held: ((answer: Answer) => void)[] = (store.held = []);
      await pass(SAFETY_READ_MS);
      const reads = store.marks.length;
      observer?.watchLost(new Error('history lost'));
      await pass(10);
      expect(store.marks).toHaveLength(reads);
      store.held = null;
      held[0]?.({ entries: [], mark: store.mark });
      await jest.advanceTimersByTimeAsync(1);
      expect(store.marks.length).toBeGreaterThan(reads);
    });

    it('a watch opened during a full read: everything is read again', async () => {
      await service.onModuleDestroy();
      let opening: 'fails' | (() => void) = 'fails';
      const watch: RevocationStore['watch'] = () =>
        opening === 'fails'
          ? Promise.reject(new Error('out of reach'))
          : new Promise((resolve) => {
              opening = () => resolve({ description: 'stream', close: async () => undefined });
            });
      service = new RevocationService(OPTIONS, Object.assign(store, { watch }), { now: () => nowMs });
      await service.onApplicationBootstrap();
      await pass(MAX_STALENESS_MS - POLL_MS);
      opening = () => undefined;
      const held: ((answer: Answer) => void)[] = (store.held = []);
      await pass(POLL_MS);
      expect(store.marks.at(-1)).toBeNull();
      const reads = store.marks.length;
      await pass(10);
      opening();
      await pass(0);
      store.held = null;
      held[0]?.({ entries: [], mark: store.mark });
      await pass(0);
      expect(store.marks.slice(reads)).toEqual([null]);
    });

    it('is read once at boot, however long that takes', async () => {
      await service.onModuleDestroy();
      const held: ((answer: Answer) => void)[] = (store.held = []);
      service = new RevocationService(OPTIONS, store, { now: () => nowMs });
      const booted = service.onApplicationBootstrap();
      await pass(3 * POLL_MS);
      expect(held).toHaveLength(1);
      store.held = null;
      held[0]?.({ entries: [], mark: store.mark });
      await booted;
    });

    it('a lost watch is logged once, and the watch is closed at shutdown', async () => {
      const lost = observer;
      lost?.watchLost(new Error('one'));
      lost?.watchLost(new Error('two'));
      await pass(2 * POLL_MS);
      expect([opened, closed]).toEqual([2, 1]);
      await service.onModuleDestroy();
      expect([opened, closed]).toEqual([2, 2]);
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  describe('in mode strict', () => {
    beforeEach(async () => {
      const revocation = { ...OPTIONS.revocation, mode: 'strict' as const };
      service = new RevocationService({ ...OPTIONS, revocation }, store, { now: () => nowMs });
      await service.onApplicationBootstrap();
    });

    it('asks the store each time, for every key that can revoke the token', async () => {
      expect(await verdict()).toBe(false);
      store.entries = [{ key: 'ver:v1', expiresAt: inFuture() }];
      expect(await verdict()).toBe(true);
      expect(store.asked).toEqual([
        ['sid:s1', 'ver:v1', 'jti:j1', 'gen:s1.3', 'rol:u1'],
        ['sid:s1', 'ver:v1', 'jti:j1', 'gen:s1.3', 'rol:u1'],
      ]);
    });

    it('refuses at once if the store does not answer, except for known revocations', async () => {
      store.down = true;
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      await expect(service.revokeSessions(['s1'])).rejects.toThrow();
      expect(verdict()).toBe(true);
    });

    it("keeps the cause, and passes on the store's own errors", async () => {
      store.down = true;
      await expect(service.isRevoked(TOKEN)).rejects.toMatchObject({ cause: new Error('out of reach') });
      const refusal = new AuthError('TEMPORARILY_UNAVAILABLE', { retryAfter: 30 });
      store.hasAny = () => Promise.reject(refusal);
      await expect(service.isRevoked(TOKEN)).rejects.toBe(refusal);
    });

    it('waits five seconds at most for a store that hangs, answers 503, and leaves nothing open', async () => {
      await service.onModuleDestroy();
      store.hasAny = () => new Promise(() => undefined);
      let outcome: unknown = 'none yet';
      void Promise.resolve(verdict()).then((answer) => (outcome = answer));
      await pass(4999);
      expect(outcome).toBe('none yet');
      await pass(1);
      expect(outcome).toBe('TEMPORARILY_UNAVAILABLE');
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  describe('turned off', () => {
    it('asks, writes and revokes nothing, and is never out of touch', async () => {
      const revocation = { ...OPTIONS.revocation, mode: 'off' as const };
      service = new RevocationService({ ...OPTIONS, revocation }, store, { now: () => nowMs });
      await service.onApplicationBootstrap();
      expect(warnings).toEqual(['revocation is off: access tokens live until they expire']);
      await service.revokeSessions(['s1']);
      expect([verdict(), service.isSessionRevoked('s1', 'v1'), service.isOn]).toEqual([false, false, false]);
      await pass(2 * MAX_STALENESS_MS);
      expect([service.isInTouch, store.marks, store.written, store.asked]).toEqual([true, [], [], []]);
      expect(service.stats).toEqual({ held: 0, waiting: 0 });
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  describe('abandoned generations of a session', () => {
    beforeEach(async () => {
      await service.onApplicationBootstrap();
    });

    const ended = (generations: readonly number[]) => generations.filter((gen) => verdict({ gen }) === true);

    it('are revoked from the first to the last; neighbouring ones and other sessions are not', async () => {
      await service.revokeGenerations('s1', 3, 5);
      expect(ended([1, 2, 3, 4, 5, 6, 7])).toEqual([3, 4, 5]);
      expect(verdict({ sid: 's2', gen: 4 })).toBe(false);
      const expiresAt = inFuture(TTL_MS + MINT_IN_FLIGHT_MS);
      const keys = [3, 4, 5].map((gen) => ({ key: `gen:s1.${gen}`, expiresAt }));
      expect(store.written).toEqual([keys]);
    });

    it('are none if the last comes before the first', async () => {
      await service.revokeGenerations('s1', 5, 4);
      await service.revokeGenerations('s1', 9, 4);
      expect(store.written).toEqual([]);
    });

    it('are only the latest hundred, so that the list cannot grow without limit', async () => {
      await service.revokeGenerations('s1', 1, 1000);
      expect(ended([900, 901, 1000, 1001])).toEqual([901, 1000]);
      expect(service.stats.held).toBe(100);
    });
  });

  describe('a generation replaced by a rotation', () => {
    it('is revoked if the option is on, and a failing store does not fail the rotation', async () => {
      const accessToken = { ...OPTIONS.accessToken, retirePrevious: true };
      service = new RevocationService({ ...OPTIONS, accessToken }, store, { now: () => nowMs });
      await service.onApplicationBootstrap();
      store.down = true;
      await service.retireGeneration('s1', 3);
      expect([verdict(), verdict({ gen: 4 })]).toEqual([true, false]);
      expect(warnings.join()).toContain('a retired access token waits for the store');
      store.down = false;
      await pass(POLL_MS);
      const expiresAt = new Date(nowMs - POLL_MS + TTL_MS + MINT_IN_FLIGHT_MS);
      expect(store.written).toEqual([[{ key: 'gen:s1.3', expiresAt }]]);
    });

    it('stays valid by default', async () => {
      await service.onApplicationBootstrap();
      await service.retireGeneration('s1', 3);
      expect([verdict(), store.written]).toEqual([false, []]);
    });
  });

  describe('out of touch', () => {
    beforeEach(async () => {
      await service.onApplicationBootstrap();
      store.down = true;
    });

    it('uses what it knows within the limit of staleness, then refuses with 503: it fails closed', async () => {
      await pass(MAX_STALENESS_MS);
      expect([verdict(), service.isInTouch]).toEqual([false, true]);
      await pass(1);
      expect([await verdict(), service.isInTouch]).toEqual(['TEMPORARILY_UNAVAILABLE', false]);
      const cause = expect.objectContaining({ message: 'out of reach' });
      await expect(service.isRevoked(TOKEN)).rejects.toMatchObject({ cause });
      await pass(60 * MAX_STALENESS_MS);
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      expect(warnings.length).toBeGreaterThan(0);
      expect(warnings[0]).toContain('out of reach');
    });

    it('keeps retrying, and works again after the first successful read, with everything it missed', async () => {
      await pass(5 * MAX_STALENESS_MS);
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      store.down = false;
      store.entries = [{ key: 'ver:v1', expiresAt: inFuture() }];
      await pass(POLL_MS);
      expect(verdict()).toBe(true);
      expect(verdict({ ver: 'v2' })).toBe(false);
    });

    it('logs once that it cannot read, and once that it can again', async () => {
      const said: string[] = [];
      jest
        .spyOn(Logger.prototype, 'log')
        .mockImplementation((message: unknown) => void said.push(String(message)));
      await pass(3 * POLL_MS);
      expect(warnings).toEqual(['cannot read revocations: Error: out of reach']);
      store.down = false;
      await pass(3 * POLL_MS);
      expect(said).toEqual(['revocations can be read again']);
      store.down = true;
      await pass(3 * POLL_MS);
      expect([warnings.length, said.length]).toEqual([2, 1]);
    });

    it('a read counts from its start: what was written during it may be missing', async () => {
      store.held = [];
      await pass(POLL_MS);
      await pass(MAX_STALENESS_MS);
      store.held[0]?.({ entries: [], mark: store.mark });
      await jest.advanceTimersByTimeAsync(0);
      expect(service.stalenessMs).toBe(MAX_STALENESS_MS);
      expect(verdict()).toBe(false);
      store.held = null;
      await pass(1);
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('a read that never returns does not count as contact, but a later one does', async () => {
      store.down = false;
      const held = (store.held = []);
      await pass(POLL_MS + MAX_STALENESS_MS);
      store.held = null;
      await pass(POLL_MS);
      expect(held).toHaveLength(1);
      expect(verdict()).toBe(false);
    });

    it('a read that returns late adds its entries, but neither its mark nor its time counts', async () => {
      store.down = false;
      const held: ((answer: Answer) => void)[] = (store.held = []);
      await pass(POLL_MS + MAX_STALENESS_MS);
      store.held = null;
      store.mark = { at: new Date(222) };
      await pass(POLL_MS);
      expect(service.stalenessMs).toBe(0);
      held[0]?.({ entries: [{ key: 'sid:s1', expiresAt: inFuture() }], mark: { at: new Date(111) } });
      await jest.advanceTimersByTimeAsync(0);
      expect(service.stalenessMs).toBe(0);
      expect([verdict(), verdict({ sid: 's2' })]).toEqual([true, false]);
      await pass(POLL_MS);
      expect(store.marks.at(-1)).toEqual({ at: new Date(222) });
    });

    it('while a read never returns, a request waits three seconds for it', async () => {
      store.held = [];
      await pass(2 * MAX_STALENESS_MS);
      const outcomes = [Promise.resolve(verdict()), Promise.resolve(verdict({ sid: 's2' }))];
      await pass(2_999);
      expect(await Promise.race([...outcomes, Promise.resolve('waits')])).toBe('waits');
      await pass(1);
      expect(await Promise.all(outcomes)).toEqual(Array(2).fill('TEMPORARILY_UNAVAILABLE'));
      // The next one does not wait again.
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('a step of the shared clock counts neither as staleness nor as freshness', async () => {
      store.down = false;
      await pass(POLL_MS);
      nowMs += 3_600_000;
      expect(verdict()).toBe(false);
      store.down = true;
      await jest.advanceTimersByTimeAsync(2 * MAX_STALENESS_MS);
      nowMs -= 7_200_000;
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
    });
  });

  describe('its memory', () => {
    beforeEach(async () => {
      await service.onApplicationBootstrap();
    });

    it('is bounded: an entry is dropped when every token it concerns has expired, and not before', async () => {
      await service.revokeSessions(['s1']);
      await pass(TTL_MS + MINT_IN_FLIGHT_MS - POLL_MS);
      expect(verdict()).toBe(true);
      // The sweep runs every half minute.
      await pass(32_000);
      expect(verdict()).toBe(false);
    });

    it('drops only expired entries', async () => {
      await service.revokeToken('short', inFuture(10_000));
      await pass(120_000);
      await service.revokeToken('long', inFuture(10_000));
      await pass(TTL_MS + MINT_IN_FLIGHT_MS - 60_000);
      expect([verdict({ jti: 'short' }), verdict({ jti: 'long' })]).toEqual([false, true]);
    });

    it('keeps an entry whose expiry was extended', async () => {
      await service.revokeSessions(['s1']);
      await pass(TTL_MS);
      await service.revokeSessions(['s1']);
      await pass(TTL_MS);
      expect(verdict()).toBe(true);
    });
  });

  describe('when the shared clock is wrong', () => {
    const JUMP_MS = 20 * 60_000;

    beforeEach(async () => {
      await service.onApplicationBootstrap();
    });

    it.each([JUMP_MS, -JUMP_MS])('by %i ms for a while, a revoked token stays revoked', async (jump) => {
      await service.revokeSessions(['s1']);
      nowMs += jump;
      await pass(5 * 60_000);
      nowMs -= jump;
      await pass(60_000);
      expect(verdict()).toBe(true);
    });

    it('a process that starts in the meantime keeps what it reads, however old it seems', async () => {
      await service.onModuleDestroy();
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture() }];
      nowMs += JUMP_MS;
      service = new RevocationService(OPTIONS, store, { now: () => nowMs });
      await service.onApplicationBootstrap();
      await pass(60_000);
      nowMs -= JUMP_MS;
      await pass(60_000);
      expect(verdict()).toBe(true);
    });

    it('writes again what the TTL index removed too early, once the clock is right', async () => {
      await service.revokeSessions(['s1']);
      const entries = store.written.at(-1) ?? [];
      nowMs += JUMP_MS;
      await pass(60_000);
      expect(store.written).toHaveLength(1);
      nowMs -= JUMP_MS;
      await pass(POLL_MS);
      expect(store.written.slice(1)).toEqual([entries]);
      await pass(60_000);
      expect(store.written).toHaveLength(2);
    });

    it.each([
      [30_000, 1],
      [30_001, 2],
    ])('after a step back of %i ms within a second, entries are written %i times', async (back, times) => {
      await service.revokeSessions(['s1']);
      nowMs -= back;
      await pass(POLL_MS);
      expect(store.written).toHaveLength(times);
    });

    it('entries that could not be written are not dropped either', async () => {
      store.down = true;
      await expect(service.revokeSessions(['s1'])).rejects.toThrow();
      nowMs += JUMP_MS;
      await pass(60_000);
      nowMs -= JUMP_MS;
      store.down = false;
      await pass(POLL_MS);
      expect(store.written.flat().map(({ key }) => key)).toEqual(['sid:s1']);
    });

    it('refuses a token issued by a clock that was ahead: it could outlive its revocation', () => {
      const minted = (aheadMs: number) => verdict({ iat: Math.floor((nowMs + aheadMs) / 1000) });
      expect(minted(JUMP_MS)).toBe(true);
      expect(minted(MINT_IN_FLIGHT_MS + 1_000)).toBe(true);
      expect(minted(MINT_IN_FLIGHT_MS)).toBe(false);
      expect(minted(0)).toBe(false);
    });
  });

  describe('after a process was frozen', () => {
    const FROZEN_MS = 35_000;
    const revoked: Answer = {
      entries: [{ key: 'sid:s1', expiresAt: new Date(Date.parse('2027-01-01')) }],
      mark: { at: new Date(0) },
    };

    beforeEach(async () => {
      await service.onApplicationBootstrap();
      await pass(POLL_MS);
    });

    /** Time passes, but no timer runs. */
    const freeze = (ms = FROZEN_MS) => {
      nowMs += ms;
      jest.setSystemTime(Date.now() + ms);
    };

    /** How often a request that is refused reads the store. */
    async function readsOfRefusal(): Promise<number> {
      const reads = store.marks.length;
      expect(await verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      return store.marks.length - reads;
    }

    it('the first requests share one full read, and are answered by it', async () => {
      store.entries = revoked.entries;
      freeze();
      const reads = store.marks.length;
      const answers = await Promise.all([verdict(), verdict({ sid: 's2' }), verdict({ sid: 's3' })]);
      expect(answers).toEqual([true, false, false]);
      expect(store.marks.slice(reads)).toEqual([null]);
      expect(verdict({ sid: 's2' })).toBe(false);
    });

    it('one failure is retried at once: connections may be dead', async () => {
      freeze();
      jest.spyOn(store, 'read').mockRejectedValueOnce(new Error('ECONNRESET'));
      expect(await verdict()).toBe(false);
    });

    it('after a failed read, requests are refused for a second without another one', async () => {
      freeze();
      store.down = true;
      expect(await readsOfRefusal()).toBe(2);
      freeze(999);
      expect(await readsOfRefusal()).toBe(0);
      freeze(1);
      expect(await readsOfRefusal()).toBe(2);
    });

    it.each([
      ['less than four seconds ago refuses the next request', 999, 0],
      ['four seconds ago, before another freeze, does not: a new one starts', 1_000, 2],
    ])('a failed read that began %s', async (_when, frozenMs, reads) => {
      freeze();
      store.held = [];
      const before = verdict();
      await jest.advanceTimersByTimeAsync(0);
      freeze(frozenMs);
      // The read gets three seconds of the process's own time.
      await jest.advanceTimersByTimeAsync(3_000);
      expect(await before).toBe('TEMPORARILY_UNAVAILABLE');
      store.held = null;
      store.down = true;
      expect(await readsOfRefusal()).toBe(reads);
    });

    it('a read in progress during the freeze is not trusted: another one starts', async () => {
      const held: ((answer: Answer) => void)[] = (store.held = []);
      await pass(POLL_MS);
      freeze();
      store.held = null;
      store.entries = revoked.entries;
      held[0]?.({ entries: [], mark: store.mark });
      await jest.advanceTimersByTimeAsync(0);
      expect(service.isInTouch).toBe(false);
      expect(await verdict()).toBe(true);
    });

    it('a read for an earlier request is not trusted either, and neither is its failure', async () => {
      freeze();
      store.held = [];
      void verdict();
      freeze();
      store.held = null;
      store.entries = revoked.entries;
      const after = verdict();
      await jest.advanceTimersByTimeAsync(3_000);
      expect(await after).toBe(true);
    });

    it("an earlier request's read that returns now is not trusted: another one starts", async () => {
      freeze();
      const held: ((answer: Answer) => void)[] = (store.held = []);
      const before = verdict();
      freeze();
      store.held = null;
      store.entries = revoked.entries;
      const after = verdict();
      held[0]?.({ entries: [], mark: store.mark });
      expect(await Promise.all([before, after])).toEqual(['TEMPORARILY_UNAVAILABLE', true]);
    });

    it('reports whether it is in touch only after it has caught up', async () => {
      freeze();
      expect(service.isInTouch).toBe(false);
      expect(await service.catchUp()).toBe(true);
      freeze();
      store.down = true;
      expect(await service.catchUp()).toBe(false);
    });
  });

  describe('at shutdown', () => {
    beforeEach(async () => {
      await service.onApplicationBootstrap();
    });

    it('reads no more', async () => {
      await service.onModuleDestroy();
      const reads = store.marks.length;
      await pass(10 * POLL_MS);
      expect(store.marks).toHaveLength(reads);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('waits for the read in progress, because its connection is about to be closed', async () => {
      store.held = [];
      await pass(POLL_MS);
      let ended = false;
      const destroyed = service.onModuleDestroy().then(() => (ended = true));
      await jest.advanceTimersByTimeAsync(0);
      expect(ended).toBe(false);
      store.held[0]?.({ entries: [], mark: store.mark });
      await destroyed;
      expect(ended).toBe(true);
      expect(jest.getTimerCount()).toBe(0);
      // A read that was given up at shutdown is not worth a warning.
      expect(warnings).toEqual([]);
    });

    it('during its boot, leaves nothing running', async () => {
      await service.onModuleDestroy();
      store.held = [];
      service = new RevocationService(OPTIONS, store, { now: () => nowMs });
      const booted = service.onApplicationBootstrap();
      await jest.advanceTimersByTimeAsync(0);
      await service.onModuleDestroy();
      store.held[0]?.({ entries: [], mark: store.mark });
      await booted;
      expect(jest.getTimerCount()).toBe(0);
    });
  });
});
