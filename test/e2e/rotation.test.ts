import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { untilConfirmed } from '../support/confirmation.js';
import {
  anotherSession,
  type Api,
  expectAccessRevoked,
  expectCookieCleared,
  expectError,
  expectGuardRefusal,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { type Environment, HELD_CLOCK, REFRESH_SECRET, Service } from '../support/service.js';
import { claimsOf, resign } from '../support/tokens.js';

const FIREFOX = {
  'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'accept-language': 'de-DE',
};

interface Context {
  api: Api;
  service: Service;
}

/** One service for the tests of a block, which move its clock. */
function serviceWith(environment: Environment): Context {
  const context = {} as Context;
  beforeAll(async () => {
    context.service = await Service.start(environment, HELD_CLOCK);
    context.api = context.service.api();
  });
  afterAll(() => context.service?.dispose());
  return context;
}

/** What makes two refresh tokens the same: everything but the encoding. */
const identity = (refreshToken: string) => {
  const { sid, sub, sec, gen, iat, exp, abs } = claimsOf(refreshToken);
  return { sid, sub, sec, gen, iat, exp, abs };
};

const absoluteExpiryOf = (refreshToken: string): number => {
  const { abs } = claimsOf(refreshToken);
  return abs > 1e11 ? abs / 1000 : abs;
};

async function rotations(api: Api, session: Session, times: number): Promise<Session[]> {
  const chain = [session];
  for (let time = 0; time < times; time += 1) chain.push(await refreshed(api, chain.at(-1) ?? session));
  return chain;
}

/** A session that was rotated `times` times; every state of it, the current one last. */
const rotatedSession = async (api: Api, times: number): Promise<Session[]> =>
  rotations(api, await newSession(api), times);

/** The element at an index, never `undefined`. */
function at(chain: Session[], index: number): Session {
  const session = chain.at(index);
  if (session === undefined) throw new Error('the chain is shorter');
  return session;
}

const MINUTE_MS = 60_000;

/** The client has received the answer: it uses the access token, which is recorded as proof. */
async function confirm({ api, service }: Context, session: Session): Promise<void> {
  expect((await api.me(session.accessToken)).status).toBe(200);
  await untilConfirmed(service, session);
}

async function expectDead(api: Api, ...states: Session[]): Promise<void> {
  for (const { refreshToken } of states) expectError(await api.refresh(refreshToken), 401, 'SESSION_REVOKED');
  for (const { accessToken } of states) await expectAccessRevoked(api, accessToken);
}

describe('within the grace period', () => {
  const context = serviceWith({ MAX_SESSIONS_PER_USER: '3' });

  it('a replaced token gives the current one again: the same secret, generation and dates', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    const answer = await api.refresh(first.refreshToken);
    expect(answer.status).toBe(200);
    expect(answer.json.session).toMatchObject({ id: first.id, generation: 1 });
    expect(identity(answer.json.refreshToken)).toEqual(identity(second.refreshToken));
    expect(claimsOf(answer.json.accessToken)).toMatchObject({ sid: first.id, gen: 1 });
    await confirm(context, sessionOf(answer));
    expect((await refreshed(api, second)).id).toBe(first.id);
  });

  it('a replay gives a new access token, not the previous one', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    const replayed = sessionOf(await api.refresh(first.refreshToken));
    expect(claimsOf(replayed.accessToken).jti).not.toBe(claimsOf(second.accessToken).jti);
  });

  it('a replay is honoured although the current generation is confirmed', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    await confirm(context, second);
    const answer = await api.refresh(first.refreshToken);
    expect(identity(sessionOf(answer).refreshToken)).toEqual(identity(second.refreshToken));
  });

  test.each([1, 2, 3, 4])('the predecessor %i steps back leads to the current token', async (steps) => {
    const { api } = context;
    const chain = await rotatedSession(api, 6);
    const answer = await api.refresh(at(chain, -1 - steps).refreshToken);
    expect(answer.json.session).toMatchObject({ generation: 6 });
    expect(identity(sessionOf(answer).refreshToken)).toEqual(identity(at(chain, -1).refreshToken));
    expect((await refreshed(api, at(chain, -1))).id).toBe(at(chain, 0).id);
  });

  it('the fifth predecessor is out of the ring: reuse, and the session is dead', async () => {
    const { api } = context;
    const chain = await rotatedSession(api, 6);
    expectError(await api.refresh(at(chain, -6).refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(api, at(chain, -1));
    await expectDead(api, at(chain, -6), at(chain, -2));
  });

  it('a replay answers in the transport of the session: the cookie is set to the same token', async () => {
    const { api } = context;
    const { refreshToken } = sessionOf(await api.register({ email: uniqueEmail(), password: PASSWORD }));
    const [winner, loser] = [
      await api.refreshByCookie(refreshToken),
      await api.refreshByCookie(refreshToken),
    ];
    const cookies = [winner, loser].map((answer) => answer.cookie()?.value ?? '');
    expect(cookies.map((cookie) => identity(cookie).gen)).toEqual([1, 1]);
    expect(identity(cookies[1] ?? '')).toEqual(identity(cookies[0] ?? ''));
    expect(loser.json).not.toHaveProperty('refreshToken');
    expect((await api.refreshByCookie(cookies[1] ?? '')).json.session.generation).toBe(2);
  });

  it('a replaced token presented in the wrong transport revokes nothing and confirms nothing', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    for (const { refreshToken } of [first, second]) {
      expectError(await api.refreshByCookie(refreshToken), 401, 'REFRESH_TOKEN_INVALID');
    }
    expect((await refreshed(api, second)).id).toBe(first.id);
  });

  it('restored state: a well signed secret that the store does not know, of this or a later generation', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    for (const gen of [1, 2, 7]) {
      const claims = { sec: randomBytes(32).toString('base64url'), gen, jti: `${first.id}.${gen}` };
      const answer = await api.refresh(resign(second.refreshToken, REFRESH_SECRET, { claims }));
      expectError(answer, 401, 'REFRESH_TOKEN_UNKNOWN');
    }
    expect(claimsOf((await refreshed(api, second)).refreshToken).gen).toBe(2);
  });

  it('a well signed secret that the store does not know, of an earlier generation, is reuse', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    const claims = { sec: randomBytes(32).toString('base64url') };
    const answer = await api.refresh(resign(first.refreshToken, REFRESH_SECRET, { claims }));
    expectError(answer, 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(api, second);
  });

  it('an absolute expiry cannot be moved, even with the signing key', async () => {
    const { api } = context;
    const session = await newSession(api);
    const { abs, exp } = claimsOf(session.refreshToken);
    const claims = { abs: abs * 2, exp: exp * 2 };
    const answer = await api.refresh(resign(session.refreshToken, REFRESH_SECRET, { claims }));
    expect([200, 401]).toContain(answer.status);
    const honest = await refreshed(api, answer.status === 200 ? sessionOf(answer) : session);
    expect(claimsOf(honest.refreshToken).abs).toBe(abs);
    expect(claimsOf(honest.refreshToken).exp).toBeLessThanOrEqual(absoluteExpiryOf(session.refreshToken));
  });

  it('the session unused longest makes room for one over the cap', async () => {
    const { api } = context;
    const one = await newSession(api);
    const two = await anotherSession(api, one.email);
    const three = await anotherSession(api, one.email);
    const oneAgain = await refreshed(api, one);
    const four = await anotherSession(api, one.email);
    await expectDead(api, two);
    for (const session of [oneAgain, three, four])
      expect((await refreshed(api, session)).id).toBe(session.id);
    expect((await api.sessions(four.accessToken)).json).toHaveLength(3);
  });
});

describe('after the grace period', () => {
  // Long, so that no test is too slow for it.
  const context = serviceWith({ REFRESH_GRACE_PERIOD: '1m' });
  const grace = () => context.service.advance(MINUTE_MS + 1);

  it('a lost answer is recovered by a new token, as often as it is lost; the lost tokens are useless', async () => {
    const { api } = context;
    const [first, lost] = (await rotatedSession(api, 1)) as [Session, Session];
    let recovered = lost;
    for (const generation of [2, 3]) {
      await grace();
      const before = recovered;
      recovered = sessionOf(await api.refresh(first.refreshToken));
      expect(claimsOf(recovered.refreshToken).gen).toBe(generation);
      await expectAccessRevoked(api, before.accessToken);
    }
    const replayed = sessionOf(await api.refresh(first.refreshToken));
    expect(identity(replayed.refreshToken)).toEqual(identity(recovered.refreshToken));
    await confirm(context, replayed);
    expect(claimsOf((await refreshed(api, replayed)).refreshToken).gen).toBe(4);
    // No honest client holds the token that was lost first.
    expectError(await api.refresh(lost.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
  });

  it('the answer to a recovery may be lost in turn, and its confirmation ends that', async () => {
    const { api } = context;
    const [first] = (await rotatedSession(api, 1)) as [Session];
    await grace();
    const recovered = sessionOf(await api.refresh(first.refreshToken));
    await confirm(context, recovered);
    await grace();
    expectError(await api.refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(api, recovered);
  });

  it('a replaced token whose successor was used as access token is reuse; the session is dead', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    const other = await anotherSession(api, first.email);
    await confirm(context, second);
    await grace();
    expectError(await api.refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(api, second);
    await expectDead(api, first);
    expect((await refreshed(api, other)).id).toBe(other.id);
  });

  it('a replaced token whose successor was used to refresh is reuse', async () => {
    const { api } = context;
    const chain = await rotatedSession(api, 2);
    await grace();
    expectError(await api.refresh(at(chain, 0).refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(api, at(chain, 2));
  });

  it('the last predecessor recovers while an earlier one is reuse', async () => {
    const { api } = context;
    const chain = await rotatedSession(api, 2);
    await grace();
    const recovered = sessionOf(await api.refresh(at(chain, 1).refreshToken));
    expect(claimsOf(recovered.refreshToken).gen).toBe(3);
    expectError(await api.refresh(at(chain, 0).refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(api, recovered);
  });

  it('a lost answer is not recovered by another browser', async () => {
    const { api, service } = context;
    const [first, lost] = (await rotatedSession(api, 1)) as [Session, Session];
    await grace();
    const thief = await service.api(FIREFOX).refresh(first.refreshToken);
    expectError(thief, 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(api, lost);
  });

  it('replays do not extend the grace period', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    await confirm(context, second);
    for (let replay = 0; replay < 3; replay += 1) {
      await context.service.advance(10_000);
      expect((await api.refresh(first.refreshToken)).status).toBe(200);
    }
    await context.service.advance(30_001);
    expectError(await api.refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
  });

  it('a thief who uses the stolen token is exposed by the next refresh of the victim', async () => {
    const { api, service } = context;
    const [victim] = (await rotatedSession(api, 1)).slice(1) as [Session];
    const robber = service.api(FIREFOX);
    const stolen = await refreshed(robber, victim);
    await confirm({ api: robber, service }, stolen);
    await grace();
    expectError(await api.refresh(victim.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(robber, stolen);
  });

  it('a thief who comes second is refused, and the cookie of reuse is cleared', async () => {
    const { api } = context;
    const { refreshToken: stolen } = sessionOf(
      await api.register({ email: uniqueEmail(), password: PASSWORD }),
    );
    const victim = sessionOf(await api.refreshByCookie(stolen));
    await confirm(context, victim);
    await grace();
    const answer = await api.refreshByCookie(stolen);
    expectError(answer, 401, 'REFRESH_TOKEN_REUSED');
    expectCookieCleared(answer);
    const late = await api.refreshByCookie(victim.refreshToken);
    expectError(late, 401, 'SESSION_REVOKED');
    expectCookieCleared(late);
  });

  it('reuse in the wrong transport is refused without revoking', async () => {
    const { api } = context;
    const [first, second] = (await rotatedSession(api, 1)) as [Session, Session];
    await confirm(context, second);
    await grace();
    expectError(await api.refreshByCookie(first.refreshToken), 401, 'REFRESH_TOKEN_INVALID');
    expect((await refreshed(api, second)).id).toBe(first.id);
  });

  it('each rotation moves the idle expiry, and never the absolute one', async () => {
    const { api } = context;
    const first = await newSession(api);
    await grace();
    const second = await refreshed(api, first);
    const [before, after] = [claimsOf(first.refreshToken), claimsOf(second.refreshToken)];
    expect(after.exp).toBeGreaterThan(before.exp);
    expect(after.abs).toBe(before.abs);
  });

  // The last test, because it leaves the service with other keys.
  it('a ring of keys: a new key signs, and tokens of the old one stay valid', async () => {
    const { api, service } = context;
    const session = await newSession(api);
    const key = () => randomBytes(36).toString('base64url');
    const { JWT_ACCESS_KEYS, JWT_REFRESH_KEYS } = service.settings;
    await service.restart({
      JWT_ACCESS_KEYS: `${key()},${JWT_ACCESS_KEYS}`,
      JWT_REFRESH_KEYS: `${key()},${JWT_REFRESH_KEYS}`,
    });
    await confirm(context, session);
    const next = await refreshed(api, session);
    expect(resign(next.refreshToken, REFRESH_SECRET)).not.toBe(next.refreshToken);
    await confirm(context, next);
    expect(claimsOf((await refreshed(api, next)).refreshToken).gen).toBe(2);
    await service.restart({ JWT_ACCESS_KEYS: key(), JWT_REFRESH_KEYS: key() });
    expectError(await api.refresh(next.refreshToken), 401, 'REFRESH_TOKEN_INVALID');
    expectGuardRefusal(await api.me(next.accessToken), 'ACCESS_TOKEN_INVALID');
  });
});

describe('with a window for lost answers, and reuse counted against the user', () => {
  const context = serviceWith({
    REFRESH_GRACE_PERIOD: '1m',
    REFRESH_LOST_RESPONSE_WINDOW: '5m',
    REFRESH_REUSE_SCOPE: 'user',
  });

  it('a lost answer is recovered within the window, and is reuse after it: every session of the user ends', async () => {
    const { api, service } = context;
    const within = await rotatedSession(api, 1);
    const after = await rotatedSession(api, 1);
    const sibling = await anotherSession(api, at(after, 0).email);
    const stranger = await newSession(api);
    await service.advance(2 * MINUTE_MS);
    const recovered = await refreshed(api, at(within, 0));
    expect(claimsOf(recovered.refreshToken).gen).toBe(2);
    await service.advance(3 * MINUTE_MS + 1);
    expectError(await api.refresh(at(after, 0).refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    await expectDead(api, at(after, 1), sibling);
    expect((await refreshed(api, stranger)).id).toBe(stranger.id);
    expect((await refreshed(api, recovered)).id).toBe(recovered.id);
    const again = await anotherSession(api, sibling.email);
    expect((await api.me(again.accessToken)).status).toBe(200);
  });
});

describe('in shadow mode, with a fixed lifetime and no recovery', () => {
  const context = serviceWith({
    REFRESH_GRACE_PERIOD: '1m',
    REFRESH_LOST_RESPONSE_WINDOW: '0',
    REFRESH_REUSE: 'report',
    REFRESH_SLIDING: 'false',
  });

  it('reuse is refused but revokes nothing, and a lost answer is not recovered', async () => {
    const { api, service } = context;
    const unconfirmed = await rotatedSession(api, 1);
    const confirmed = await rotatedSession(api, 1);
    await confirm(context, at(confirmed, 1));
    await service.advance(MINUTE_MS + 1);
    for (const [old, current] of [unconfirmed, confirmed] as [Session, Session][]) {
      expectError(await api.refresh(old.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
      expect((await api.me(current.accessToken)).status).toBe(200);
      const next = await refreshed(api, current);
      const { exp, abs } = claimsOf(current.refreshToken);
      expect(claimsOf(next.refreshToken)).toMatchObject({ gen: 2, exp, abs });
      expect(claimsOf(next.refreshToken).exp).toBe(claimsOf(old.refreshToken).exp);
    }
  });
});

describe('with short lifetimes', () => {
  const context = serviceWith({
    ACCESS_TOKEN_TTL: '2m',
    REFRESH_IDLE_TTL: '3m',
    REFRESH_ABSOLUTE_TTL: '5m',
    REFRESH_GRACE_PERIOD: '1m',
    REFRESH_LOST_RESPONSE_WINDOW: '2m',
  });

  it('an unused session ends by itself: its access token first, then its refresh token', async () => {
    const { api, service } = context;
    const answer = await api.register({ email: uniqueEmail(), password: PASSWORD, transport: 'body' });
    expect(answer.json.expiresIn).toBe(120);
    expect(Math.abs(answer.json.refreshExpiresIn - 180)).toBeLessThanOrEqual(1);
    const { accessToken, refreshToken, email } = sessionOf(answer);
    expect((await api.me(accessToken)).status).toBe(200);
    await service.advance(2 * MINUTE_MS);
    expectGuardRefusal(await api.me(accessToken), 'ACCESS_TOKEN_EXPIRED');
    await service.advance(MINUTE_MS);
    expectError(await api.refresh(refreshToken), 401, 'REFRESH_TOKEN_EXPIRED');
    const after = await anotherSession(api, email);
    expect((await api.sessions(after.accessToken)).json).toMatchObject([{ id: after.id, current: true }]);
  });

  it('an expired session is not revived by a token that claims a longer lifetime', async () => {
    const { api, service } = context;
    const { refreshToken } = await newSession(api);
    await service.advance(3 * MINUTE_MS);
    const exp = claimsOf(refreshToken).exp + 3_600;
    const answer = await api.refresh(resign(refreshToken, REFRESH_SECRET, { claims: { exp } }));
    expectError(answer, 401, 'REFRESH_TOKEN_EXPIRED');
  });

  it('use keeps a session alive up to its absolute expiry and no longer', async () => {
    const { api, service } = context;
    let session = await newSession(api);
    const { abs, iat } = claimsOf(session.refreshToken);
    const end = absoluteExpiryOf(session.refreshToken);
    expect(end - iat).toBeGreaterThanOrEqual(299);
    expect(end - iat).toBeLessThanOrEqual(301);
    let rotationsSeen = 0;
    let answer = await api.refresh(session.refreshToken);
    while (answer.status === 200 && rotationsSeen < 12) {
      session = sessionOf(answer);
      rotationsSeen += 1;
      const refresh = claimsOf(session.refreshToken);
      const access = claimsOf(session.accessToken);
      expect(refresh.abs).toBe(abs);
      expect(refresh.exp).toBeLessThanOrEqual(end);
      expect(access.exp).toBeLessThanOrEqual(Math.min(end, access.iat + 120));
      expect(Date.parse(answer.json.session.expiresAt)).toBeLessThanOrEqual(end * 1000);
      await service.advance(MINUTE_MS / 2);
      answer = await api.refresh(session.refreshToken);
    }
    expectError(answer, 401, 'REFRESH_TOKEN_EXPIRED');
    expect(rotationsSeen).toBeGreaterThan(6);
    expect(rotationsSeen).toBeLessThan(12);
    expect(service.now() / 1000).toBeGreaterThan(end - 1);
  });
});
