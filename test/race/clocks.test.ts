import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { AuthModule } from '../../src/index.js';
import { databaseUri } from '../support/database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { DatabaseWithAClock } from '../support/database-with-a-clock.js';
import { eventually } from '../support/eventually.js';
import { authOptions, HostApp } from '../support/host-app.js';
import { expectGuardRefusal, expectNoContent, newSession } from '../support/http.js';
import { Service } from '../support/service.js';

const JUMP_MS = 20 * 60_000;
/** Longer than `revocation.maxStaleness`. */
const FROZEN_MS = 31_000;

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

describe("the database's clock jumps ahead by 20 minutes, and back", () => {
  it('a revoked access token stays revoked, also in a process that starts later', async () => {
    const database = await DatabaseWithAClock.start();
    cleanUp.push(() => database.stop());
    // The interval is short, so that the test does not wait for reads.
    const options = authOptions({ revocation: { pollInterval: '50ms', maxStaleness: '3s' } });
    const start = async () => {
      const host = await HostApp.startWith(
        'express',
        { imports: [AuthModule.forRoot(options)] },
        database.uri.replace('/?', '/clocks?'),
      );
      cleanUp.push(() => host.app.close());
      return host;
    };
    const host = await start();
    const session = await newSession(host.api());
    const guarded = (by = host) => by.api().send('GET', '/orders', { token: session.accessToken });
    expect((await guarded()).status).toBe(200);
    expectNoContent(await host.api().send('POST', '/auth/logout', { token: session.accessToken }));
    expectGuardRefusal(await guarded(), 'ACCESS_TOKEN_REVOKED');

    // A step of the wall clock makes the process read the database's time again at once.
    const { now } = Date;
    let wallAheadMs = 0;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + wallAheadMs);
    const setDatabase = async (aheadMs: number) => {
      await database.setAhead(aheadMs);
      wallAheadMs += 2_000;
    };

    await setDatabase(JUMP_MS);
    const code = async () => (await guarded()).json.code as string;
    expect(await eventually(code, (is) => is === 'ACCESS_TOKEN_EXPIRED')).toBe('ACCESS_TOKEN_EXPIRED');
    const revocations = host.connection.collection('revocations');
    expect(
      await eventually(
        () => revocations.countDocuments(),
        (rows) => rows === 0,
      ),
    ).toBe(0);

    await setDatabase(0);
    expect(await eventually(code, (is) => is !== 'ACCESS_TOKEN_EXPIRED')).toBe('ACCESS_TOKEN_REVOKED');
    expect(
      await eventually(
        () => revocations.countDocuments(),
        (rows) => rows === 1,
      ),
    ).toBe(1);
    expectGuardRefusal(await guarded(await start()), 'ACCESS_TOKEN_REVOKED');
  });
});

describe('a process that is frozen between two requests', () => {
  it('answers the first request after the thaw, and knows what was revoked in the meantime', async () => {
    const proxy = await DatabaseProxy.openTo(databaseUri('frozen'));
    cleanUp.push(() => proxy.close());
    proxy.delayMs = 12;
    const service = await Service.start({ MONGODB_URI: proxy.uri });
    cleanUp.push(() => service.dispose());
    const other = await Service.start({ MONGODB_URI: proxy.uri });
    cleanUp.push(() => other.dispose());
    const [kept, ended] = [await newSession(service.api()), await newSession(service.api())];
    const me = (token: string) => service.api().send('GET', '/auth/me', { token });
    expect((await me(kept.accessToken)).status).toBe(200);

    service.signal('SIGSTOP');
    await delay(FROZEN_MS);
    const answers = Promise.all([me(kept.accessToken), me(ended.accessToken), me(kept.accessToken)]);
    expectNoContent(await other.api().send('POST', '/auth/logout', { token: ended.accessToken }));
    service.signal('SIGCONT');
    const [first, revoked, third] = await answers;
    expect([first.status, third.status]).toEqual([200, 200]);
    expectGuardRefusal(revoked, 'ACCESS_TOKEN_REVOKED');
  });
});
