import type { RefreshTokenStore } from '../../core/refresh-token.store.js';
import { type ConformanceCase, frameworkOf, type TestFramework } from './framework.js';
import { CONTRACT } from './store-contract.js';
import { FAULTS, type FaultWorld, type Repair, type StoreFault } from './store-faults.js';
import { RACES } from './store-races.js';

/** What the suite needs to test a store. */
export interface RefreshTokenStoreConformance extends Partial<TestFramework> {
  /**
   * Opens a store, ready to use. Each call simulates another process: all stores use the same data, each with its own
   * connection.
   */
  createStore(): RefreshTokenStore | Promise<RefreshTokenStore>;
  /** Called for each store after its test. */
  closeStore?(store: RefreshTokenStore): void | Promise<void>;
  /**
   * Breaks the connection between a store and its database for its next operation. It may return a function that repairs the
   * connection, which is called after that operation. Without `fail`, no faults are tested.
   */
  fail?(store: RefreshTokenStore, fault: StoreFault): Repair | Promise<Repair>;
  /** @default 'RefreshTokenStore' */
  name?: string;
}

/**
 * Declares the tests that every {@link RefreshTokenStore} must pass: the result of each operation, concurrent operations of
 * two processes on one session, and, with `fail`, a broken connection to the database.
 *
 * @example
 * refreshTokenStoreConformance({ createStore: () => new SqlRefreshTokenStore(openDatabase()) });
 */
export function refreshTokenStoreConformance(given: RefreshTokenStoreConformance): void {
  const { describe, it } = frameworkOf(given);
  const { name = 'RefreshTokenStore' } = given;
  const declare = <World>(cases: readonly ConformanceCase<World>[], open: Open<World>) => {
    for (const each of cases) it(each.name, () => withStores(given, open, each.run));
  };
  describe(`${name}: contract`, () => declare(CONTRACT, (store) => ({ store, other: store })));
  describe(`${name}: races`, () =>
    declare(RACES, async (store, another) => ({ store, other: await another() })));
  if (!given.fail) return;
  const broken = async (store: RefreshTokenStore, fault: StoreFault) => given.fail?.(store, fault);
  describe(`${name}: faults`, () =>
    declare<FaultWorld>(FAULTS, async (store, another) => ({ store, other: await another(), fail: broken })));
}

type Open<World> = (
  store: RefreshTokenStore,
  another: () => Promise<RefreshTokenStore>,
) => World | Promise<World>;

async function withStores<World>(
  given: RefreshTokenStoreConformance,
  open: Open<World>,
  run: (world: World) => Promise<void>,
): Promise<void> {
  // A store that is returned twice is closed once.
  const opened = new Set<RefreshTokenStore>();
  const create = async () => {
    const store = await given.createStore();
    opened.add(store);
    return store;
  };
  try {
    await run(await open(await create(), create));
  } finally {
    for (const store of opened) await given.closeStore?.(store);
  }
}
