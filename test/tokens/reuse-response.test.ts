import { describe, expect, it } from '@jest/globals';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { ReuseResponse } from '../../src/tokens/reuse-response.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;
const THIEF = { ...CLIENT, ip: '203.0.113.66' };

/** A user with two sessions; the token of the first was replaced, and its successor is in use. */
async function stolen(refreshToken: AuthOptions['refreshToken'] = {}) {
  const world = new RotationWorld(new InMemoryRefreshTokenStore(), { refreshToken });
  const token = world.token(await world.login());
  const other = world.token(await world.login());
  world.now += SECOND;
  const next = await world.refresh(token);
  if (typeof next === 'string') throw new Error(next);
  await world.store.confirm(token.sid, 1, new Date(world.now));
  const usedAt = new Date(world.now);
  world.now += 60 * SECOND;
  world.events.length = 0;
  return { world, token, other, usedAt };
}

const refuse = ({ world, token }: Awaited<ReturnType<typeof stolen>>) =>
  world.service.refresh(token, THIEF).catch((error: unknown) => error);
const eventsOf = (world: RotationWorld, name: string) =>
  world.events.filter((event) => event.name === name).map(({ payload }) => payload);

describe(ReuseResponse.name, () => {
  it('ends the session, and reports both sides', async () => {
    const theft = await stolen();
    const { world, token, other, usedAt } = theft;
    expect(await refuse(theft)).toMatchObject({
      code: 'REFRESH_TOKEN_REUSED',
      message: expect.stringContaining('the session has been ended'),
    });
    expect(eventsOf(world, 'refresh_token.reuse_detected')).toEqual([
      {
        userId: 'user-1',
        sessionId: token.sid,
        generation: 1,
        presentedGeneration: 0,
        replacedAt: usedAt,
        confirmedAt: usedAt,
        source: { ip: THIEF.ip, userAgent: THIEF.userAgent },
        evidence: 'successor_confirmed',
        revoked: true,
        scope: 'session',
        affectedSessionIds: [token.sid],
        lastUse: { ip: CLIENT.ip, userAgent: CLIENT.userAgent, at: usedAt },
      },
    ]);
    expect(world.revokedSessions).toEqual([token.sid]);
    expect((await world.store.findById(token.sid))?.revokedReason).toBe('reuse_detected');
    expect((await world.store.findById(other.sid))?.revokedAt).toBeNull();
  });

  it('scope user: ends every session of the user, this one last, so that a retry finds it again', async () => {
    const theft = await stolen({ reuseScope: 'user' });
    const { world, token, other } = theft;
    await refuse(theft);
    expect(eventsOf(world, 'refresh_token.reuse_detected')).toMatchObject([
      { revoked: true, scope: 'user', affectedSessionIds: [token.sid, other.sid] },
    ]);
    expect(world.revokedSessions).toEqual([other.sid, token.sid]);
    expect(eventsOf(world, 'session.revoked')).toMatchObject([
      { sessionId: other.sid, reason: 'reuse_detected', source: { ip: THIEF.ip } },
      { sessionId: token.sid, reason: 'reuse_detected', source: { ip: THIEF.ip } },
    ]);
  });

  it('scope user: names the session itself if the others cannot be read', async () => {
    const theft = await stolen({ reuseScope: 'user' });
    const { world, token } = theft;
    world.store.findLive = () => Promise.reject(new Error('out of reach'));
    expect(await refuse(theft)).toMatchObject({ message: 'out of reach' });
    expect(eventsOf(world, 'refresh_token.reuse_detected')).toMatchObject([
      { affectedSessionIds: [token.sid] },
    ]);
  });

  it('names the last use of the session, however many there were', async () => {
    const theft = await stolen();
    const session = await theft.world.store.findById(theft.token.sid);
    const [login] = session?.recentUses ?? [];
    if (!session || !login) throw new Error('there is a use');
    const lastUse = { ...login, ip: '198.51.100.7' };
    const recentUses = [...session.recentUses, lastUse];
    (theft.world.store as InMemoryRefreshTokenStore).sessions.set(session.id, { ...session, recentUses });
    await refuse(theft);
    expect(eventsOf(theft.world, 'refresh_token.reuse_detected')).toMatchObject([{ lastUse }]);
  });

  it('in shadow mode names the sessions it would have ended, and ends none', async () => {
    const theft = await stolen({ reuseScope: 'user', reuse: 'report' });
    const { world, token, other } = theft;
    expect(await refuse(theft)).toMatchObject({
      code: 'REFRESH_TOKEN_REUSED',
      message: 'The refresh token was used before.',
    });
    expect(eventsOf(world, 'refresh_token.reuse_detected')).toMatchObject([
      { revoked: false, scope: 'user', affectedSessionIds: [token.sid, other.sid] },
    ]);
    expect(world.revokedSessions).toEqual([]);
  });
});
