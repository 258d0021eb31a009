import { expect, it } from '@jest/globals';
import type { RevocationKey, RevocationStore } from '../../src/index.js';
import { authOptions, HostApp, OrdersController } from '../support/host-app.js';
import { expectGuardRefusal, newSession } from '../support/http.js';
import { InMemoryRevocationStore } from '../support/in-memory-revocation.store.js';

/** Like a promise of another library or another realm. */
class ForeignPromise<T> {
  constructor(private readonly inner: Promise<T>) {}
  then<U>(done: (value: T) => U, failed?: (reason: unknown) => U): ForeignPromise<U> {
    return new ForeignPromise(this.inner.then(done, failed));
  }
  catch<U>(failed: (reason: unknown) => U): ForeignPromise<T | U> {
    return new ForeignPromise(this.inner.catch(failed));
  }
}

it('in mode strict, revoked tokens are refused through a store with foreign promises, verified before or not', async () => {
  const store = new InMemoryRevocationStore();
  const foreign: RevocationStore = {
    add: (entries) => store.add(entries),
    read: () => store.read(),
    hasAny: (keys) => new ForeignPromise(store.hasAny(keys)) as unknown as Promise<boolean>,
  };
  const revocation = { mode: 'strict', store: foreign, pollInterval: '20s' } as const;
  const host = await HostApp.start(
    'express',
    { ...authOptions({ revocation }), globalGuard: true },
    { controllers: [OrdersController] },
  );
  try {
    const { accessToken, id } = await newSession(host.api());
    // A handler that does not use the user: only the guard runs before it.
    const ask = () => host.api().send('GET', '/orders/bare', { token: accessToken });
    for (const _ of [1, 2]) expect((await ask()).status).toBe(200);
    // Revoked by another process.
    const key: RevocationKey = `sid:${id}`;
    await store.add([{ key, expiresAt: new Date(Date.now() + 900_000) }]);
    for (const _ of [1, 2]) expectGuardRefusal(await ask(), 'ACCESS_TOKEN_REVOKED');
  } finally {
    await host.stop();
  }
});
