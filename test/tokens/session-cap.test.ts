import { describe, expect, it } from '@jest/globals';
import { SessionCap } from '../../src/tokens/session-cap.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const DAY = 86_400_000;

const newWorld = (options: ConstructorParameters<typeof RotationWorld>[1] = {}) =>
  new RotationWorld(new InMemoryRefreshTokenStore(), options);

describe(SessionCap.name, () => {
  it('a session that replaces another ends it as replaced, also if a user may have only one', async () => {
    const world = newWorld({ sessions: { maxPerUser: 1 } });
    const opened = await world.login();
    if (!world.user) throw new Error('there is a user');
    await world.opener.open(world.user, { transport: 'cookie' }, CLIENT, {
      amr: ['pwd'],
      replaces: opened.session,
    });
    expect((await world.store.findById(opened.session.id))?.revokedReason).toBe('replaced');
  });

  it('a login never ends its own session, whatever the clock of another process says', async () => {
    const world = newWorld({ sessions: { maxPerUser: 1 } });
    world.now += DAY;
    const ahead = await world.login();
    world.now -= DAY;
    const opened = await world.login();
    expect((await world.store.findById(opened.session.id))?.revokedAt).toBeNull();
    expect(await world.service.findLive(ahead.session.id)).not.toBeNull();
  });

  it('beyond the cap, only the session unused longest ends, as evicted', async () => {
    const world = newWorld({ sessions: { maxPerUser: 2 } });
    const [first, second] = [await world.login(), await world.login()];
    world.now += DAY;
    await world.refresh(world.token(first));
    world.now += DAY;
    expect(world.revokedSessions).toEqual([]);
    const third = await world.login();
    expect(world.revokedSessions).toEqual([second.session.id]);
    expect((await world.store.findById(second.session.id))?.revokedReason).toBe('evicted');
    const live = await world.service.list('user-1');
    expect(live.map(({ id }) => id)).toEqual([third.session.id, first.session.id]);
  });
});
