import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RefreshActivity } from '../../src/core/anomaly.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { RotationOutcomes } from '../../src/tokens/rotation-outcomes.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;
const SOURCE = { ip: CLIENT.ip, userAgent: CLIENT.userAgent };
const ELSEWHERE = { ...CLIENT, ip: '203.0.113.66', userAgent: 'other' };
const attempt = (letter: string) => `${letter.repeat(21)}A`;

let store: InMemoryRefreshTokenStore;
let world: RotationWorld;
/** The activities that the anomaly rules examined. */
let activities: RefreshActivity[];

/** Whether a rule of the host suspects every refresh. */
let isSuspicious: boolean;

function begin(options: Partial<AuthOptions> = {}) {
  store = new InMemoryRefreshTokenStore();
  activities = [];
  isSuspicious = false;
  const examine = (activity: unknown) => {
    activities.push(activity as RefreshActivity);
    return isSuspicious ? { odd: true } : null;
  };
  const anomaly = { action: 'revoke-session', rules: [{ name: 'spy', examine }] } as const;
  world = new RotationWorld(store, { anomaly, ...options });
}
beforeEach(() => begin());

/** A token whose successor was made a second after the login and is not used yet. */
async function replaced(client = CLIENT, fields = {}) {
  const token = world.token(await world.login());
  world.now += SECOND;
  const next = await world.refresh(token, client, fields);
  if (typeof next === 'string') throw new Error(next);
  world.retired.length = 0;
  world.now += SECOND;
  return { token, next, rotatedAt: new Date(world.now - SECOND) };
}

const lastEvent = () => world.events.at(-1);
const seen = (sid: string, replacedAt: Date | null, over: object = {}) => ({
  userId: 'user-1',
  sessionId: sid,
  generation: 1,
  presentedGeneration: 0,
  replacedAt,
  confirmedAt: null,
  source: SOURCE,
  ...over,
});

describe(RotationOutcomes.name, () => {
  it('rotated: judged by earlier uses; then retires the previous generation and emits an event', async () => {
    begin({ refreshToken: { allowRelay: true } });
    const opened = await world.login();
    const token = world.token(opened);
    world.now += SECOND;
    const answer = await world.refresh(token, ELSEWHERE, { relay: true });
    expect(answer).toMatchObject({ user: { id: 'user-1' }, isRelay: true });
    expect(activities.at(-1)).toMatchObject({
      outcome: 'rotated',
      earlierUses: opened.session.recentUses,
      use: { ip: ELSEWHERE.ip, at: new Date(world.now) },
      madeBy: null,
      isRepeatedRecovery: false,
      sharedGenerations: 0,
    });
    expect(activities.at(-1)?.earlierUses).toHaveLength(1);
    expect(world.retired).toEqual([`${token.sid}.0`]);
    if (typeof answer === 'string') throw new Error(answer);
    const source = { ip: ELSEWHERE.ip, userAgent: ELSEWHERE.userAgent };
    const payload = { userId: 'user-1', sessionId: token.sid, generation: 1, source };
    expect(lastEvent()).toEqual({ name: 'refresh_token.rotated', payload });
    await world.refresh(world.token(answer), ELSEWHERE);
    expect(activities.at(-1)?.earlierUses).toEqual(answer.session.recentUses);
  });

  it('replayed: returns the same secret, is reported and judged, and always retires the previous generation', async () => {
    const { token, next, rotatedAt } = await replaced();
    const answer = await world.refresh(token);
    expect(answer).toMatchObject({ secret: next.secret, isRelay: false, user: { id: 'user-1' } });
    expect(lastEvent()).toEqual({ name: 'refresh_token.replayed', payload: seen(token.sid, rotatedAt) });
    expect(world.retired).toEqual([`${token.sid}.0`]);
    expect(activities.at(-1)).toMatchObject({
      outcome: 'replayed',
      madeBy: { ...SOURCE, at: rotatedAt },
      sharedGenerations: 0,
    });
    expect(activities.at(-1)?.earlierUses).toHaveLength(2);
    // A session stores only uses that made a generation.
    expect(store.sessions.get(token.sid)?.recentUses).toHaveLength(2);
  });

  it('replayed to another network: counted as shared, and the use remembered, once per generation', async () => {
    const { token } = await replaced();
    await world.refresh(token, ELSEWHERE);
    expect(activities.at(-1)).toMatchObject({ sharedGenerations: 1 });
    const session = store.sessions.get(token.sid);
    expect(session?.sharedUse).toMatchObject({ generation: 1, generations: 1 });
    expect(session?.recentUses.at(-1)).toEqual({
      ip: ELSEWHERE.ip,
      userAgent: ELSEWHERE.userAgent,
      at: new Date(world.now),
    });
    world.now += SECOND;
    await world.refresh(token, ELSEWHERE);
    expect(activities.at(-1)).toMatchObject({ sharedGenerations: 0 });
    expect(store.sessions.get(token.sid)?.recentUses).toHaveLength(3);
  });

  it('replayed by the same attempt from another network: it is one client, and nothing is counted', async () => {
    const { token, next } = await replaced(CLIENT, { attempt: attempt('a') });
    const answer = await world.refresh(token, ELSEWHERE, { attempt: attempt('a') });
    expect(answer).toMatchObject({ secret: next.secret });
    expect(activities.at(-1)).toMatchObject({ outcome: 'replayed', sharedGenerations: 0 });
    expect(store.sessions.get(token.sid)).toMatchObject({ sharedUse: null });
  });

  it('superseded: 409, reported, and nothing changes', async () => {
    const { token, next, rotatedAt } = await replaced(CLIENT, { attempt: attempt('a') });
    const confirmedAt = new Date(world.now);
    await store.confirm(token.sid, 1, confirmedAt);
    world.now += 60 * SECOND;
    expect(await world.refresh(token, CLIENT, { attempt: attempt('a') })).toBe('REFRESH_SUPERSEDED');
    const payload = seen(token.sid, rotatedAt, { confirmedAt });
    expect(lastEvent()).toEqual({ name: 'refresh_token.superseded', payload });
    expect(typeof (await world.refresh(world.token(next)))).toBe('object');
  });

  it('contested: 409, reported with the other use, and a suspicion about it ends nothing', async () => {
    const { token, rotatedAt } = await replaced(ELSEWHERE, { attempt: attempt('t') });
    isSuspicious = true;
    expect(await world.refresh(token, CLIENT, { attempt: attempt('a') })).toBe('REFRESH_CONTESTED');
    const other = { ip: ELSEWHERE.ip, userAgent: ELSEWHERE.userAgent, at: rotatedAt };
    expect(world.events.slice(-2)).toMatchObject([
      { name: 'refresh_token.contested', payload: seen(token.sid, rotatedAt, { other }) },
      { name: 'activity.suspected', payload: { action: 'report', source: SOURCE } },
    ]);
    expect(activities.at(-1)).toMatchObject({ outcome: 'contested', madeBy: other });
    expect(activities.at(-1)?.earlierUses).toHaveLength(2);
    expect(store.sessions.get(token.sid)?.revokedAt).toBeNull();
  });

  it('restored: a token from the future of the store is unknown and reported; nothing ends', async () => {
    const token = world.token(await world.login());
    const ahead = { ...token, gen: 3, sec: 'A'.repeat(43) };
    expect(await world.refresh(ahead)).toBe('REFRESH_TOKEN_UNKNOWN');
    expect(lastEvent()).toEqual({
      name: 'refresh_token.restored',
      payload: {
        ...seen(token.sid, null, { generation: 0, presentedGeneration: 3 }),
        evidence: 'generation_ahead',
      },
    });
    expect(typeof (await world.refresh(token))).toBe('object');
  });

  it('reports why it refuses, with the ids of the token if the session is gone', async () => {
    const token = world.token(await world.login());
    const refused = (reason: string, revokedReason: string | null = null) => ({
      name: 'refresh_token.refused',
      payload: {
        userId: 'user-1',
        sessionId: token.sid,
        presentedGeneration: 0,
        reason,
        revokedReason,
        source: SOURCE,
      },
    });
    await world.terminator.end('user-1', [token.sid], 'logged_out', null);
    expect(await world.refresh(token)).toBe('SESSION_REVOKED');
    expect(lastEvent()).toEqual(refused('session_revoked', 'logged_out'));
    store.sessions.clear();
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_UNKNOWN');
    expect(lastEvent()).toEqual(refused('session_unknown'));
    world.now = token.exp * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_EXPIRED');
    expect(lastEvent()).toEqual(refused('session_expired'));
  });

  it('a session that expired before its token is reported as expired', async () => {
    const token = world.token(await world.login());
    const session = store.sessions.get(token.sid);
    if (!session) throw new Error('there is a session');
    store.sessions.set(token.sid, { ...session, expiresAt: new Date(world.now) });
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_EXPIRED');
    expect(lastEvent()).toMatchObject({ payload: { reason: 'session_expired' } });
  });

  it('a suspicion about an answer ends the session if the host wants it', async () => {
    const { token, next } = await replaced();
    isSuspicious = true;
    expect(await world.refresh(token)).toBe('SUSPICIOUS_ACTIVITY');
    isSuspicious = false;
    expect(await world.refresh(world.token(next))).toBe('SESSION_REVOKED');
    expect(store.sessions.get(token.sid)?.revokedReason).toBe('suspicious_activity');
  });
});
