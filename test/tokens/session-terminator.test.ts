import { describe, expect, it } from '@jest/globals';
import { SessionTerminator } from '../../src/tokens/session-terminator.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { RotationWorld } from '../support/rotation-world.js';

const newWorld = (options: ConstructorParameters<typeof RotationWorld>[1] = {}) =>
  new RotationWorld(new InMemoryRefreshTokenStore(), options);

describe(SessionTerminator.name, () => {
  it('emits nothing for sessions that have already ended', async () => {
    const world = newWorld();
    const { session } = await world.login();
    await world.terminator.end('user-1', [session.id], 'logged_out', null);
    await world.terminator.end('user-1', [session.id], 'ended_by_user', null);
    expect(world.events.filter(({ name }) => name === 'session.revoked')).toHaveLength(1);
    // The revocation is still written again.
    expect(world.revokedSessions).toEqual([session.id, session.id]);
  });

  it('revokes the access tokens, then ends the sessions, then emits the event with its cause', async () => {
    const world = newWorld();
    const sessions = [await world.login(), await world.login()];
    const ids = sessions.map(({ session }) => session.id);
    world.store.revoke = () => Promise.reject(new Error('out of reach'));
    const source = { ip: '192.0.2.9', userAgent: null };
    await expect(world.terminator.end('user-1', ids, 'logged_out', source)).rejects.toThrow('out of reach');
    expect(world.revokedSessions).toEqual(ids);
    expect(world.events).toEqual([]);
  });

  it('names the client that asked for it, if one did', async () => {
    const world = newWorld();
    const source = { ip: '192.0.2.9', userAgent: null };
    const [one, other] = [await world.login(), await world.login()];
    await world.terminator.end('user-1', [one.session.id], 'logged_out', source, 'gateway');
    expect(await world.terminator.end('user-1', [other.session.id], 'logged_out', source)).toEqual([
      other.session.id,
    ]);
    const said = { userId: 'user-1', reason: 'logged_out', source };
    expect(world.events.map(({ payload }) => payload)).toEqual([
      { ...said, sessionId: one.session.id, clientId: 'gateway' },
      { ...said, sessionId: other.session.id },
    ]);
    expect((await world.store.findById(one.session.id))?.revokedAt).toEqual(new Date(world.now));
  });

  it('emits two events for an eviction: revoked and evicted', async () => {
    const world = newWorld();
    const { session } = await world.login();
    await world.terminator.end('user-1', [session.id], 'evicted', null);
    expect(world.events).toEqual([
      {
        name: 'session.revoked',
        payload: { userId: 'user-1', sessionId: session.id, reason: 'evicted', source: null },
      },
      { name: 'session.evicted', payload: { userId: 'user-1', sessionId: session.id, source: null } },
    ]);
  });

  it('ends all live sessions of a user except the spared ones, and sends no command if there are none', async () => {
    const world = newWorld();
    const [one, other] = [await world.login(), await world.login()];
    await world.terminator.endAll('user-1', 'logged_out', null, ({ id }) => id === one.session.id);
    expect(world.revokedSessions).toEqual([other.session.id]);
    await world.terminator.endAll('user-1', 'logged_out', null);
    expect(world.revokedSessions).toEqual([other.session.id, one.session.id]);
    world.store.revoke = () => Promise.reject(new Error('it was asked'));
    await world.terminator.endAll('user-1', 'logged_out', null);
    expect(await world.terminator.end('user-1', [], 'logged_out', null)).toEqual([]);
    expect(world.revokedSessions).toHaveLength(2);
  });
});
