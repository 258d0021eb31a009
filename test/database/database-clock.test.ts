import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Connection } from 'mongoose';
import { DatabaseClock } from '../../src/database/database-clock.js';

const NOON = Date.parse('2026-01-01T12:00:00.000Z');
const MINUTE = 60_000;
const JUMP = 20 * MINUTE;

/** A database whose clock the test sets; it counts how often it is asked. */
class Database {
  /** The difference between its clock and the true time. */
  aheadMs = 0;
  asked = 0;
  isDown = false;
  hasClock = true;
  onAsked: () => void = () => {};
  onFailed: () => void = () => {};

  constructor(private readonly trueTime: () => number) {}

  get connection(): Connection {
    const command = ({ hello }: { hello?: number }) => {
      if (hello !== 1) return Promise.reject(new Error('no such command'));
      this.asked += 1;
      if (this.isDown) {
        this.onFailed();
        return Promise.reject(new Error('out of reach'));
      }
      const localTime = new Date(this.trueTime() + this.aheadMs);
      this.onAsked();
      return Promise.resolve(this.hasClock ? { localTime } : {});
    };
    return { asPromise: () => Promise.resolve(), db: { admin: () => ({ command }) } } as never;
  }
}

/** The clocks of one machine. */
class Machine {
  private stoodStillMs = 0;

  constructor(
    private readonly trueTime: () => number,
    public wallAheadMs = 0,
  ) {}

  readonly monotonic = () => this.trueTime() - NOON - this.stoodStillMs + 5_000;
  readonly wall = () => this.trueTime() + this.wallAheadMs;

  /** Time passes that its monotonic clock does not measure. */
  wakeAfter(ms: number): void {
    this.stoodStillMs += ms;
  }
}

describe('DatabaseClock', () => {
  let trueTime: number;
  let database: Database;
  let machine: Machine;
  let clock: DatabaseClock;
  let warnings: string[];
  const started: DatabaseClock[] = [];

  const start = async (on: Machine) => {
    const instance = new DatabaseClock(database.connection, on);
    started.push(instance);
    await instance.onModuleInit();
    return instance;
  };
  /** Time in small steps, with the timers. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      trueTime += 500;
      await jest.advanceTimersByTimeAsync(500);
    }
  };
  const settled = () => jest.advanceTimersByTimeAsync(0);
  const aheadMs = (of = clock) => of.now() - trueTime;

  beforeEach(async () => {
    jest.useFakeTimers();
    warnings = [];
    jest
      .spyOn(Logger.prototype, 'warn')
      .mockImplementation((message: unknown) => void warnings.push(String(message)));
    trueTime = NOON;
    database = new Database(() => trueTime);
    machine = new Machine(() => trueTime);
    clock = await start(machine);
  });

  afterEach(() => {
    for (const instance of started.splice(0)) instance.onModuleDestroy();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('shows the time of the database on machines whose own clocks differ', async () => {
    database.aheadMs = 3_000;
    const clocks = await Promise.all(
      [0, 7 * MINUTE, -11 * MINUTE].map((ahead) => start(new Machine(() => trueTime, ahead))),
    );
    expect(clocks.map(aheadMs)).toEqual([3_000, 3_000, 3_000]);
  });

  it('asks once a minute, and follows a small difference', async () => {
    const { asked } = database;
    database.aheadMs = 400;
    await pass(59_000);
    expect(database.asked).toBe(asked);
    await pass(2_000);
    expect(database.asked).toBe(asked + 1);
    expect(aheadMs()).toBe(400);
  });

  it('never goes back for a small difference: it waits until the database has caught up', async () => {
    database.aheadMs = -5_000;
    await pass(59_500);
    const held = clock.now();
    await pass(4_000);
    expect(clock.now()).toBe(held);
    await pass(6_000);
    expect(aheadMs()).toBe(-5_000);
  });

  it('continues from the last anchor while the database does not answer, and logs that once', async () => {
    database.isDown = true;
    await pass(5 * MINUTE);
    expect(aheadMs()).toBe(0);
    expect(warnings).toHaveLength(1);
    database.isDown = false;
    database.aheadMs = 700;
    await pass(2_000);
    expect(aheadMs()).toBe(700);
    // The next outage is another one.
    database.isDown = true;
    await pass(2 * MINUTE);
    expect(warnings).toHaveLength(2);
  });

  it('asks no more once it is destroyed', async () => {
    clock.onModuleDestroy();
    const { asked } = database;
    await pass(2 * MINUTE);
    machine.wakeAfter(2 * MINUTE);
    clock.now();
    await settled();
    expect(database.asked).toBe(asked);
  });

  it("shows its machine's time until the database has answered, and if the database has no clock", async () => {
    const ahead = new Machine(() => trueTime, 7 * MINUTE);
    expect(aheadMs(new DatabaseClock(database.connection, ahead))).toBe(7 * MINUTE);
    database.hasClock = false;
    expect(aheadMs(await start(ahead))).toBe(7 * MINUTE);
  });

  it("asks nothing before it is started, even if its machine's clock is set or the machine was suspended", async () => {
    const other = new DatabaseClock(database.connection, machine);
    const { asked } = database;
    machine.wallAheadMs = 7 * MINUTE;
    expect(aheadMs(other)).toBe(0);
    expect(other.settling).toBeNull();
    await settled();
    expect(database.asked).toBe(asked);
  });

  describe('with slow answers', () => {
    /** Round trips in milliseconds: the database reads its clock at the start, the client assumes the middle. */
    const answersTake = (...roundTrips: number[]) => {
      database.onAsked = () => (trueTime += roundTrips.shift() ?? 0);
    };

    it.each([
      [[1_200, 800, 1_000, 100], 3, -400],
      [[1_000, 500, 100], 2, -250],
      [[800, 1_200, 900], 3, -400],
      [[500, 100], 1, -250],
    ])('of %j ms it asks %i times and uses the fastest', async (roundTrips, asked, errorMs) => {
      const before = database.asked;
      answersTake(...roundTrips);
      const other = await start(machine);
      expect(database.asked - before).toBe(asked);
      expect(aheadMs(other)).toBe(errorMs);
    });

    it('two that differ by no more than half their round trips agree', async () => {
      database.aheadMs = JUMP;
      // Before the jump is believed there are three measurements, of up to three tries each.
      answersTake(0, 2_400, 2_400, 2_400, 0);
      await pass(64_000);
      expect(aheadMs()).toBe(JUMP);
      expect(warnings).toHaveLength(1);
    });
  });

  it.each([
    [1_400, 3],
    [1_401, 4],
  ])(
    'answers of 400 ms that differ by %i ms: a jump is believed after %i',
    async (differenceMs, expected) => {
      let answers = 0;
      database.aheadMs = JUMP;
      database.onAsked = () => {
        trueTime += 400;
        answers += 1;
        database.aheadMs = JUMP + differenceMs;
      };
      while (warnings.length === 0) await pass(500);
      expect(answers).toBe(expected);
    },
  );

  describe('read', () => {
    it('returns the current time of the database, even if it went back slightly', async () => {
      for (const ahead of [2_000, -2_000]) {
        database.aheadMs = ahead;
        expect((await clock.read()) - trueTime).toBe(ahead);
      }
    });

    it('returns the time without an unconfirmed large step, and starts to confirm it', async () => {
      database.aheadMs = JUMP;
      expect((await clock.read()) - trueTime).toBe(0);
      await settled();
      expect(clock.isInDoubt).toBe(true);
      await pass(2_500);
      expect((await clock.read()) - trueTime).toBe(JUMP);
    });

    it('reports that the database is unreachable', async () => {
      database.isDown = true;
      await expect(clock.read()).rejects.toThrow('out of reach');
    });
  });

  describe('after its machine was suspended', () => {
    const suspend = (ms: number) => {
      trueTime += ms;
      machine.wakeAfter(ms);
    };

    it('is right again before the next request, without waiting for a timer', async () => {
      suspend(2 * MINUTE);
      expect(aheadMs()).toBe(-2 * MINUTE);
      await clock.settling;
      expect(aheadMs()).toBe(0);
      expect(clock.settling).toBeNull();
      expect(warnings).toEqual([]);
    });

    it.each([2_000, 25_000, 3_600_000])('of %i ms is right again as soon as anybody looks', async (ms) => {
      suspend(ms);
      clock.now();
      await settled();
      expect(aheadMs()).toBe(0);
    });

    it('is right again within a second or so if nobody asks for the time', async () => {
      suspend(2 * MINUTE);
      await pass(1_500);
      const { asked } = database;
      expect(aheadMs()).toBe(0);
      expect(database.asked).toBe(asked);
    });

    it('measures again if the machine was suspended during the measurement', async () => {
      database.onAsked = () => {
        database.onAsked = () => {};
        suspend(2 * MINUTE);
      };
      await pass(60_500);
      expect(aheadMs()).toBe(0);
    });

    it('measures again if the process was stopped during the measurement', async () => {
      database.onAsked = () => {
        database.onAsked = () => {};
        trueTime += 40_000;
      };
      await pass(60_500);
      expect(aheadMs()).toBe(0);
    });

    it.each([
      [1_000, 1_000],
      [1_001, -2 * MINUTE],
    ])('and the database set by %i ms as well: %i ms ahead at first', async (setMs, expected) => {
      suspend(2 * MINUTE);
      database.aheadMs = setMs;
      await clock.settling;
      expect(aheadMs()).toBe(expected);
    });

    it('asks again after 900 ms at the earliest if the database is unreachable', async () => {
      database.isDown = true;
      suspend(2 * MINUTE);
      const askedAfter = async (ms: number) => {
        const { asked } = database;
        trueTime += ms;
        clock.now();
        await settled();
        return database.asked > asked;
      };
      expect([await askedAfter(0), await askedAfter(899), await askedAfter(1)]).toEqual([true, false, true]);
    });

    it('lets no request wait for an unreachable database, and recovers once it is back', async () => {
      database.isDown = true;
      suspend(2 * MINUTE);
      await expect(clock.settling).resolves.toBeUndefined();
      expect(clock.settling).toBeNull();
      database.isDown = false;
      await pass(1_500);
      expect(aheadMs()).toBe(0);
    });

    it('asks again at once if the first attempt meets a dead connection', async () => {
      database.isDown = true;
      suspend(2 * MINUTE);
      database.onFailed = () => (database.isDown = false);
      await clock.settling;
      expect(aheadMs()).toBe(0);
    });
  });

  it('keeps the time when the wall clock of its machine is set, and asks once for each step', async () => {
    const { asked } = database;
    for (const minutes of [7, -11, 3]) {
      machine.wallAheadMs = minutes * MINUTE;
      await clock.settling;
      expect(aheadMs()).toBe(0);
      expect(clock.settling).toBeNull();
    }
    expect(database.asked).toBe(asked + 3);
    expect(warnings).toEqual([]);
  });

  it('recovers if the clocks of its process have moved apart by more than a second', () => {
    machine.wallAheadMs = 1_000;
    expect(clock.settling).toBeNull();
    machine.wallAheadMs = 1_001;
    expect(clock.settling).not.toBeNull();
  });

  describe('when the clock of the database jumps', () => {
    it.each([
      [1_000, 1_000, false],
      [1_001, 1_001, true],
      [30_000, 30_000, true],
      [30_001, 0, true],
    ])('by %i ms, shows %i ms after one measurement; in doubt: %s', async (jump, expected, isInDoubt) => {
      database.aheadMs = jump;
      await pass(60_500);
      expect([aheadMs(), clock.isInDoubt]).toEqual([expected, isInDoubt]);
    });

    it.each([20_000, -20_000])('by %i ms, is in doubt once a request has read it', async (jump) => {
      database.aheadMs = jump;
      expect((await clock.read()) - trueTime).toBe(jump);
      expect(clock.isInDoubt).toBe(true);
      trueTime += MINUTE;
      expect(clock.isInDoubt).toBe(false);
    });

    it('is not in doubt because its machine was suspended', async () => {
      trueTime += 20_000;
      machine.wakeAfter(20_000);
      expect((await clock.read()) - trueTime).toBe(0);
      expect(clock.isInDoubt).toBe(false);
    });

    it('back, and that of its machine with it, does not believe it at once', async () => {
      database.aheadMs = -JUMP;
      machine.wallAheadMs = -JUMP;
      await clock.settling;
      expect((await clock.read()) - trueTime).toBe(0);
      expect(clock.isInDoubt).toBe(true);
    });

    it('is in doubt for a minute, and not a moment longer', async () => {
      database.aheadMs = JUMP;
      while (warnings.length === 0) await pass(500);
      trueTime += MINUTE - 1;
      expect(clock.isInDoubt).toBe(true);
      trueTime += 1;
      expect(clock.isInDoubt).toBe(false);
    });

    it.each([JUMP, -JUMP])('by %i ms, believes it only when two more measurements agree', async (jump) => {
      database.aheadMs = jump;
      await pass(60_000);
      expect(aheadMs()).toBe(0);
      await pass(1_000);
      expect(aheadMs()).toBe(0);
      await pass(1_500);
      expect(aheadMs()).toBe(jump);
      expect(warnings).toEqual([expect.stringContaining(`by ${jump / 1000} s`)]);
      // And back again.
      database.aheadMs = 0;
      await pass(63_000);
      expect(aheadMs()).toBe(0);
      expect(warnings).toHaveLength(2);
    });

    it('is in doubt from the first measurement that disagrees until a minute after the jump was believed', async () => {
      expect(clock.isInDoubt).toBe(false);
      database.aheadMs = JUMP;
      await pass(60_500);
      expect([clock.isInDoubt, aheadMs()]).toEqual([true, 0]);
      await pass(2_000);
      expect([clock.isInDoubt, aheadMs()]).toEqual([true, JUMP]);
      await pass(59_000);
      expect(clock.isInDoubt).toBe(true);
      await pass(2_000);
      expect(clock.isInDoubt).toBe(false);
    });

    it('ignores a jump that is over before it was confirmed', async () => {
      database.aheadMs = JUMP;
      await pass(60_500);
      database.aheadMs = 0;
      await pass(5_000);
      expect(aheadMs()).toBe(0);
      expect(warnings).toEqual([]);
    });

    it('believes no measurements that disagree', async () => {
      let turn = 0;
      database.onAsked = () => (database.aheadMs = JUMP * (1 + (turn++ % 3)));
      database.aheadMs = JUMP;
      await pass(2 * MINUTE);
      expect(aheadMs()).toBe(0);
    });

    it('believes no jump at once because its own machine was suspended as well', async () => {
      database.aheadMs = JUMP;
      trueTime += 2 * MINUTE;
      machine.wakeAfter(2 * MINUTE);
      await clock.settling;
      expect(aheadMs()).toBe(-2 * MINUTE);
      await pass(2_500);
      expect(aheadMs()).toBe(JUMP);
    });
  });
});
