import { expect, it, jest } from '@jest/globals';
import { AuthError, checkOptions, type RefreshTokenStore } from '../../src/index.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { anotherSession, expectError, newSession, refreshed } from '../support/http.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';

it.each(ADAPTERS)('keeps sessions in a store of the host, and none in MongoDB, on %s', async (adapter) => {
  const store = new InMemoryRefreshTokenStore();
  const host = await HostApp.start(adapter, { refreshToken: { allowBodyTransport: true, store } });
  try {
    const session = await newSession(host.api());
    const next = await refreshed(host.api(), session);
    // Within the grace period by the clock that wrote the rotation.
    expect((await refreshed(host.api(), session)).refreshToken).toBe(next.refreshToken);
    await anotherSession(host.api(), session.email);
    expect((await host.api().sessions(next.accessToken)).json).toHaveLength(2);
    await host.api().logout({ token: next.accessToken });
    expectError(await host.api().refresh(next.refreshToken), 401, 'SESSION_REVOKED');
    expect(store.sessions.size).toBe(2);
    const collections = await host.connection.db?.listCollections().toArray();
    expect(collections?.map(({ name }) => name)).not.toContain('refresh_tokens');
  } finally {
    await host.stop();
  }
});

it('an unreachable store answers 503 and ends no session', async () => {
  const store = new InMemoryRefreshTokenStore();
  const host = await HostApp.start('express', { refreshToken: { allowBodyTransport: true, store } });
  try {
    const session = await newSession(host.api());
    const rotation = jest.spyOn(store, 'rotate').mockRejectedValue(new AuthError('TEMPORARILY_UNAVAILABLE'));
    const refused = await host.api().refresh(session.refreshToken);
    expectError(refused, 503, 'TEMPORARILY_UNAVAILABLE');
    rotation.mockRestore();
    await refreshed(host.api(), session);
  } finally {
    await host.stop();
  }
});

it('refuses an object that is not a store, and names what it lacks', () => {
  const store = { newId: () => '', create: async () => undefined } as unknown as RefreshTokenStore;
  const [problem] = checkOptions(authOptions({ refreshToken: { store } }));
  expect(problem?.key).toBe('refreshToken.store');
  expect(problem?.fix).toMatch(/it has no rotate, reissue, .*revoke$/);
  // The deletion of a user needs it.
  expect(problem?.fix).toContain('removeOfUser');
});
