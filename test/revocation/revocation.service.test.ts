import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { AuthError } from '../../src/core/errors.js';
import { resolveOptions } from '../../src/core/options/resolve-options.js';
import type {
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationObserver,
  RevocationStore,
} from '../../src/core/ports.js';
import { type RevocableToken, RevocationService } from '../../src/revocation/revocation.service.js';

const POLL_MS = 1000;
const MAX_STALENESS_MS = 30_000;
const TTL_MS = 900_000;
const MINT_IN_FLIGHT_MS = 60_000;
const OPTIONS = resolveOptions({
  issuer: 'https://api.example.com',
  keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
});
const TOKEN: RevocableToken = { jti: 'j1', sid: 's1', gen: 3, ver: 'v1' };

type Answer = Awaited<ReturnType<RevocationStore['read']>>;

/** A store that the other processes share; the test decides what a read answers, and when. */
class SharedStore implements RevocationStore {
  readonly written: RevocationEntry[][] = [];
  readonly marks: (RevocationMark | null)[] = [];
  readonly asked: (readonly RevocationKey[])[] = [];
  /** What the next reads answer. */
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

/** Both clocks: that of expiry, and the process' own of which staleness is measured. */
async function pass(ms: number): Promise<void> {
  nowMs += ms;
  await jest.advanceTimersByTimeAsync(ms);
}

const inFuture = (ms = TTL_MS) => new Date(nowMs + ms);

function verdict(token: Partial<RevocableToken> = {}): boolean | string | Promise<boolean> {
  try {
    return service.isRevoked({ ...TOKEN, ...token });
  } catch (error) {
    if (error instanceof AuthError) return error.code;
    throw error;
  }
}

describe(RevocationService.name, () => {
  describe('at boot', () => {
    it('trusts nobody before it has read the list', () => {
      expect(verdict()).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('reads the whole list before the first request is served', async () => {
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture() }];
      await service.onApplicationBootstrap();
      expect(store.marks).toEqual([null]);
      expect(verdict()).toBe(true);
      expect(verdict({ sid: 's2' })).toBe(false);
    });

    it('does not come up where the list cannot be read', async () => {
      store.down = true;
      await expect(service.onApplicationBootstrap()).rejects.toThrow('out of reach');
      expect(verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      expect(jest.getTimerCount()).toBe(0);
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
    ])('knows a token by %s, in the very process at once', async (_by, revoke) => {
      expect(verdict()).toBe(false);
      const revoking = revoke();
      expect(verdict()).toBe(true);
      await revoking;
      expect(verdict({ jti: 'j2', sid: 's2', ver: 'v2' })).toBe(false);
    });

    it('takes an id of one kind for none of another', async () => {
      await service.revokeSessions(['x']);
      expect(verdict({ jti: 'x', ver: 'x' })).toBe(false);
      expect(verdict({ jti: 'sid:x', ver: 'sid:x' })).toBe(false);
      expect(verdict({ sid: 'x' })).toBe(true);
    });

    it('costs no look at the database', async () => {
      const reads = store.marks.length;
      for (let request = 0; request < 1000; request++) void verdict({ jti: `j${request}` });
      expect(store.marks.length).toBe(reads);
    });
  });

  describe('what it writes for the other processes', () => {
    beforeEach(async () => {
      await service.onApplicationBootstrap();
    });

    it('lives as long as a token that is being minted right now could', async () => {
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

    it('lives as long as the one token it names', async () => {
      await service.revokeToken('j1', inFuture(5000));
      expect(store.written).toEqual([[{ key: 'jti:j1', expiresAt: inFuture(5000) }]]);
    });

    it('is nothing for no session', async () => {
      await service.revokeSessions([]);
      expect(store.written).toEqual([]);
    });

    it('that failed is told to the caller, and the token is dead here all the same', async () => {
      store.down = true;
      await expect(service.revokeSessions(['s1'])).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
      expect(verdict()).toBe(true);
    });

    it('is counted: what is held, and what the store has not taken yet', async () => {
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

    it('knows what another process revoked within one poll', async () => {
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture() }];
      await pass(POLL_MS - 1);
      expect(verdict()).toBe(false);
      await pass(1);
      expect(verdict()).toBe(true);
    });

    it('hands back the mark of its last successful read, so that the store leaves nothing out', async () => {
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

    it('takes entries again and again: reads overlap', async () => {
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture() }];
      for (let poll = 0; poll < 5; poll++) await pass(POLL_MS);
      expect(verdict()).toBe(true);
    });

    it('an entry of a shorter life, read later, does not cut a longer one', async () => {
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture(600_000) }];
      await pass(POLL_MS);
      store.entries = [{ key: 'sid:s1', expiresAt: inFuture(5000) }];
      await pass(POLL_MS);
      store.entries = [];
      await pass(300_000);
      expect(verdict()).toBe(true);
    });

    it('keeps what it revoked itself while a read that began earlier comes back without it', async () => {
      store.held = [];
      await pass(POLL_MS);
      await service.revokeSessions(['s1']);
      store.held[0]?.({ entries: [], mark: store.mark });
      store.held = null;
      await pass(POLL_MS);
      expect(verdict()).toBe(true);
    });

    it('never has two reads under way: a slow store is not asked faster', async () => {
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

    it('is listened to before it is read, so that nothing falls in between, and knows at once what is pushed', () => {
      expect([opened, store.marks]).toEqual([1, [null]]);
      observer?.entriesAdded([{ key: 'sid:s1', expiresAt: inFuture() }]);
      expect(verdict()).toBe(true);
    });

    it('is read all the same, more slowly: what is pushed proves nothing about what is not', async () => {
      await pass(SAFETY_READ_MS - 1);
      expect(store.marks).toHaveLength(1);
      await pass(1);
      expect(store.marks).toHaveLength(2);
      store.down = true;
      for (let second = 0; second < 40; second += 1) {
        await pass(1000);
        observer?.entriesAdded([{ key: `sid:${second}`, expiresAt: inFuture() }]);
      }
      expect(verdict({ sid: 'x' })).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('lost: everything is read at once and again when a new watch has begun, meanwhile at each poll', async () => {
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

    it('a watch that is lost says so once, and at shutdown it is closed', async () => {
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

    it('asks the store each time, for each way in which the token can be revoked', async () => {
      expect(await verdict()).toBe(false);
      store.entries = [{ key: 'ver:v1', expiresAt: inFuture() }];
      expect(await verdict()).toBe(true);
      expect(store.asked).toEqual([
        ['sid:s1', 'ver:v1', 'jti:j1'],
        ['sid:s1', 'ver:v1', 'jti:j1'],
      ]);
    });

    it('refuses at once where the store does not answer, but for what is known to be revoked', async () => {
      store.down = true;
      await expect(verdict()).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
      await expect(service.revokeSessions(['s1'])).rejects.toThrow();
      expect(verdict()).toBe(true);
    });

    it('waits for no store for ever: one that hangs is 503 after five seconds, and leaves nothing behind', async () => {
      await service.onModuleDestroy();
      store.hasAny = () => new Promise(() => undefined);
      let outcome: unknown = 'none yet';
      void Promise.resolve(verdict()).catch((error: unknown) => (outcome = error));
      await pass(4999);
      expect(outcome).toBe('none yet');
      await pass(1);
      expect(outcome).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  describe('a generation that a rotation retired', () => {
    it('ends where the option asks for it, and a store that fails keeps no rotation from its answer', async () => {
      const accessToken = { ...OPTIONS.accessToken, retirePrevious: true };
      service = new RevocationService({ ...OPTIONS, accessToken }, store, { now: () => nowMs });
      await service.onApplicationBootstrap();
      store.down = true;
      await service.retireGeneration('s1', 3);
      expect([verdict(), verdict({ gen: 4 })]).toEqual([true, false]);
      store.down = false;
      await pass(POLL_MS);
      const expiresAt = new Date(nowMs - POLL_MS + TTL_MS + MINT_IN_FLIGHT_MS);
      expect(store.written).toEqual([[{ key: 'gen:s1.3', expiresAt }]]);
    });

    it('lives on by default', async () => {
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

    it('serves on what it knows for as long as it may, and then refuses with 503: never silently open', async () => {
      await pass(MAX_STALENESS_MS);
      expect(verdict()).toBe(false);
      await pass(1);
      expect(verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      await pass(60 * MAX_STALENESS_MS);
      expect(verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      expect(warnings.length).toBeGreaterThan(0);
      expect(warnings[0]).toContain('out of reach');
    });

    it('keeps asking, and serves again with the first read that succeeds, with what it missed', async () => {
      await pass(5 * MAX_STALENESS_MS);
      expect(verdict()).toBe('TEMPORARILY_UNAVAILABLE');
      store.down = false;
      store.entries = [{ key: 'ver:v1', expiresAt: inFuture() }];
      await pass(POLL_MS);
      expect(verdict()).toBe(true);
      expect(verdict({ ver: 'v2' })).toBe(false);
    });

    it('a read counts as of its beginning: what was written while it lasted may be missing from it', async () => {
      store.held = [];
      await pass(POLL_MS);
      await pass(MAX_STALENESS_MS);
      store.held[0]?.({ entries: [], mark: store.mark });
      await jest.advanceTimersByTimeAsync(0);
      expect(service.stalenessMs).toBe(MAX_STALENESS_MS);
      expect(verdict()).toBe(false);
      store.held = null;
      await pass(1);
      expect(verdict()).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('a read that never comes back is no sign of life, and not the last one', async () => {
      store.down = false;
      const held = (store.held = []);
      await pass(POLL_MS + MAX_STALENESS_MS);
      store.held = null;
      await pass(POLL_MS);
      expect(held).toHaveLength(1);
      expect(verdict()).toBe(false);
    });

    it('a read that never comes back is no sign of life', async () => {
      store.held = [];
      await pass(2 * MAX_STALENESS_MS);
      expect(verdict()).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('a step of the shared clock is not taken for staleness, nor for freshness', async () => {
      store.down = false;
      await pass(POLL_MS);
      nowMs += 3_600_000;
      expect(verdict()).toBe(false);
      store.down = true;
      await jest.advanceTimersByTimeAsync(2 * MAX_STALENESS_MS);
      nowMs -= 7_200_000;
      expect(verdict()).toBe('TEMPORARILY_UNAVAILABLE');
    });
  });

  describe('its memory', () => {
    beforeEach(async () => {
      await service.onApplicationBootstrap();
    });

    it('is bounded: an entry goes when every token it concerns has expired, and not before', async () => {
      await service.revokeSessions(['s1']);
      await pass(TTL_MS + MINT_IN_FLIGHT_MS - POLL_MS);
      expect(verdict()).toBe(true);
      // Swept every half minute.
      await pass(32_000);
      expect(verdict()).toBe(false);
    });

    it('drops what has expired only: entries beside it stay', async () => {
      await service.revokeToken('short', inFuture(10_000));
      await service.revokeToken('long', inFuture(120_000));
      await pass(62_000);
      expect([verdict({ jti: 'short' }), verdict({ jti: 'long' })]).toEqual([false, true]);
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

    it('waits for the read under way, whose connection is about to be closed', async () => {
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
    });
  });
});
