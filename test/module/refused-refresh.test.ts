import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Types } from 'mongoose';
import { AuthEventBus, type AuthEventName, type AuthEvents } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { HostApp } from '../support/host-app.js';
import {
  anotherSession,
  expectError,
  newSession,
  refreshed,
  type Session,
  USER_AGENT,
} from '../support/http.js';
import { Service } from '../support/service.js';
import { resign } from '../support/tokens.js';

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const REFRESH_KEY = randomBytes(36).toString('base64url');
const SOURCE = { ip: expect.stringContaining('127.0.0.1'), userAgent: USER_AGENT };
const FIREFOX = {
  'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'accept-language': 'de-DE',
};

/** The events that an operator of a host application receives by `@OnEvent`. */
@Injectable()
class Operator {
  heard: { name: AuthEventName; payload: unknown }[] = [];

  @OnEvent('refresh_token.replayed')
  replayed(payload: AuthEvents['refresh_token.replayed']) {
    this.heard.push({ name: 'refresh_token.replayed', payload });
  }

  @OnEvent('refresh_token.recovered')
  recovered(payload: AuthEvents['refresh_token.recovered']) {
    this.heard.push({ name: 'refresh_token.recovered', payload });
  }

  @OnEvent('refresh_token.restored')
  restored(payload: AuthEvents['refresh_token.restored']) {
    this.heard.push({ name: 'refresh_token.restored', payload });
  }

  @OnEvent('refresh_token.reuse_detected')
  reused(payload: AuthEvents['refresh_token.reuse_detected']) {
    this.heard.push({ name: 'refresh_token.reuse_detected', payload });
  }

  @OnEvent('refresh_token.refused')
  refused(payload: AuthEvents['refresh_token.refused']) {
    this.heard.push({ name: 'refresh_token.refused', payload });
  }
}

/** A host whose clock the test controls. */
function hostWith(refreshToken: { reuse?: 'revoke' | 'report'; reuseScope?: 'session' | 'user' } = {}) {
  const context = {} as { host: HostApp; operator: Operator };
  let aheadMs = 0;
  beforeAll(async () => {
    context.host = await HostApp.start(
      'express',
      {
        refreshToken: { lostResponseWindow: '24h', ...refreshToken },
        keys: { access: [randomBytes(36).toString('base64url')], refresh: [REFRESH_KEY] },
        clock: { now: () => Date.now() + aheadMs },
      },
      { imports: [EventEmitterModule.forRoot()], providers: [Operator] },
    );
    context.operator = context.host.app.get(Operator);
  });
  afterAll(() => context.host?.stop());
  beforeEach(() => {
    context.operator.heard = [];
  });
  return {
    context,
    later: (ms: number) => {
      aheadMs += ms;
    },
    /** Uses the access token, which is recorded. */
    use: async ({ accessToken }: Session) => {
      // After a jump of the clock the guard first reads the revocations again.
      while ((await context.host.api().me(accessToken)).status !== 200) await delay(20);
      await context.host.commandsSettled();
    },
    /** The only event of a name; events are emitted after the answer. */
    emitted: async (name: AuthEventName) => {
      const found = () => context.operator.heard.filter((event) => event.name === name);
      await eventually(
        async () => found(),
        ({ length }) => length > 0,
      );
      expect(context.operator.heard.map((event) => event.name)).toEqual([name]);
      return found()[0]?.payload;
    },
  };
}

describe('the reason for a refused refresh, or for one that was not refused', () => {
  const { context, later, use, emitted } = hostWith();
  const api = () => context.host.api();
  const seen = (session: Session, presentedGeneration: number, generation: number) => ({
    userId: session.userId,
    sessionId: session.id,
    generation,
    presentedGeneration,
    replacedAt: expect.any(Date),
    confirmedAt: null,
    source: SOURCE,
  });

  /** A session after this many rotations, whose events are dropped. */
  async function chain(rotations: number): Promise<[Session, ...Session[]]> {
    const states: [Session, ...Session[]] = [await newSession(api())];
    for (let time = 0; time < rotations; time += 1)
      states.push(await refreshed(api(), states.at(-1) ?? states[0]));
    context.operator.heard = [];
    return states;
  }

  it('a race: an earlier token within its grace period', async () => {
    const [first] = await chain(1);
    expect((await api().refresh(first.refreshToken)).status).toBe(200);
    expect(await emitted('refresh_token.replayed')).toEqual(seen(first, 0, 1));
  });

  it('a lost response that is requested again', async () => {
    const [first] = await chain(1);
    for (const [repeated, generation] of [
      [false, 1],
      [true, 2],
    ] as const) {
      later(11 * SECOND);
      context.operator.heard = [];
      expect((await api().refresh(first.refreshToken)).status).toBe(200);
      expect(await emitted('refresh_token.recovered')).toEqual({ ...seen(first, 0, generation), repeated });
    }
  });

  it.each([
    ['generation_ahead', 5],
    ['secret_differs', 1],
  ])('a restored state: %s', async (evidence, gen) => {
    const [first] = await chain(1);
    const claims = { sec: randomBytes(32).toString('base64url'), gen, jti: `${first.id}.${gen}` };
    const token = resign(first.refreshToken, REFRESH_KEY, { claims });
    expectError(await api().refresh(token), 401, 'REFRESH_TOKEN_UNKNOWN');
    expect(await emitted('refresh_token.restored')).toEqual({
      ...seen(first, gen, 1),
      replacedAt: null,
      evidence,
    });
  });

  it('a restored state: a seal that is broken', async () => {
    const [first] = await chain(1);
    const sealed = randomBytes(60).toString('base64url');
    await context.host.connection
      .collection('refresh_tokens')
      .updateOne({ _id: new Types.ObjectId(first.id) }, { $set: { 'predecessors.0.sealed': sealed } });
    expectError(await api().refresh(first.refreshToken), 401, 'REFRESH_TOKEN_UNKNOWN');
    expect(await emitted('refresh_token.restored')).toEqual({
      ...seen(first, 0, 1),
      evidence: 'seal_broken',
    });
  });

  describe('a theft', () => {
    const theft = (session: Session, presented: number, generation: number) => ({
      ...seen(session, presented, generation),
      revoked: true,
      scope: 'session',
      affectedSessionIds: [session.id],
      lastUse: { ...SOURCE, at: expect.any(Date) },
    });

    it('successor_confirmed: the successor was already used', async () => {
      const [first, second] = (await chain(1)) as [Session, Session];
      await use(second);
      later(11 * SECOND);
      const thief = await context.host.api(FIREFOX).refresh(first.refreshToken);
      expectError(thief, 401, 'REFRESH_TOKEN_REUSED');
      // Names both sides: who presented it, and who used the session last.
      expect(await emitted('refresh_token.reuse_detected')).toEqual({
        ...theft(first, 0, 1),
        confirmedAt: expect.any(Date),
        evidence: 'successor_confirmed',
        source: { ...SOURCE, userAgent: FIREFOX['user-agent'] },
      });
    });

    it('successor_replaced: the successor was replaced in turn', async () => {
      const [first] = await chain(2);
      later(11 * SECOND);
      expectError(await api().refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
      const evidence = 'successor_replaced';
      expect(await emitted('refresh_token.reuse_detected')).toEqual({ ...theft(first, 0, 2), evidence });
    });

    it('beyond_memory: older than what the session remembers', async () => {
      const [first] = await chain(6);
      expectError(await api().refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
      const expected = { ...theft(first, 0, 6), evidence: 'beyond_memory', replacedAt: null };
      expect(await emitted('refresh_token.reuse_detected')).toEqual(expected);
    });

    it('fingerprint_differs: another browser requests the lost response', async () => {
      const [first] = await chain(1);
      later(11 * SECOND);
      const thief = await context.host.api(FIREFOX).refresh(first.refreshToken);
      expectError(thief, 401, 'REFRESH_TOKEN_REUSED');
      const expected = { ...theft(first, 0, 1), evidence: 'fingerprint_differs' };
      const source = { ...SOURCE, userAgent: FIREFOX['user-agent'] };
      expect(await emitted('refresh_token.reuse_detected')).toEqual({ ...expected, source });
    });

    it('lost_response_window_elapsed: it is requested too late', async () => {
      const [first] = await chain(1);
      later(DAY + SECOND);
      expectError(await api().refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
      const expected = { ...theft(first, 0, 1), evidence: 'lost_response_window_elapsed' };
      expect(await emitted('refresh_token.reuse_detected')).toEqual(expected);
    });
  });

  describe('none of these', () => {
    const refused = (session: Session, reason: string, revokedReason: string | null = null) => ({
      userId: session.userId,
      sessionId: session.id,
      presentedGeneration: 0,
      reason,
      revokedReason,
      source: SOURCE,
    });

    it('session_revoked, with the reason', async () => {
      const [session] = await chain(0);
      await api().logout({ body: { refreshToken: session.refreshToken } });
      expectError(await api().refresh(session.refreshToken), 401, 'SESSION_REVOKED');
      const expected = refused(session, 'session_revoked', 'logged_out');
      expect(await emitted('refresh_token.refused')).toEqual(expected);
    });

    it('session_unknown: it is not in the store', async () => {
      const [session] = await chain(0);
      await context.host.connection
        .collection('refresh_tokens')
        .deleteOne({ _id: new Types.ObjectId(session.id) });
      expectError(await api().refresh(session.refreshToken), 401, 'REFRESH_TOKEN_UNKNOWN');
      expect(await emitted('refresh_token.refused')).toEqual(refused(session, 'session_unknown'));
    });

    it('session_expired: unused for too long', async () => {
      const [session] = await chain(0);
      later(8 * DAY);
      expectError(await api().refresh(session.refreshToken), 401, 'REFRESH_TOKEN_EXPIRED');
      expect(await emitted('refresh_token.refused')).toEqual(refused(session, 'session_expired'));
    });
  });
});

describe('shadow mode', () => {
  const { context, later, use, emitted } = hostWith({ reuse: 'report', reuseScope: 'user' });

  it('says which sessions it would have ended, and ends none', async () => {
    const api = context.host.api();
    const first = await newSession(api);
    const other = await anotherSession(api, first.email);
    const stranger = await newSession(api);
    const second = await refreshed(api, first);
    await use(second);
    later(11 * SECOND);
    context.operator.heard = [];
    expectError(await api.refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    expect(await emitted('refresh_token.reuse_detected')).toMatchObject({
      revoked: false,
      scope: 'user',
      affectedSessionIds: [first.id, other.id],
      evidence: 'successor_confirmed',
    });
    for (const session of [second, other, stranger])
      expect((await refreshed(api, session)).id).toBe(session.id);
  });
});

describe('reuseScope: user', () => {
  const { context, later, use, emitted } = hostWith({ reuseScope: 'user' });

  it('says which sessions it ends, and ends those', async () => {
    const api = context.host.api();
    const first = await newSession(api);
    const other = await anotherSession(api, first.email);
    const second = await refreshed(api, first);
    await use(second);
    later(11 * SECOND);
    context.operator.heard = [];
    const ended: string[] = [];
    context.host.app.get(AuthEventBus).on('session.revoked', ({ sessionId }) => ended.push(sessionId));
    expectError(await api.refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    const affectedSessionIds = [first.id, other.id];
    const expected = { revoked: true, scope: 'user', affectedSessionIds };
    expect(await emitted('refresh_token.reuse_detected')).toMatchObject(expected);
    expect(ended.sort()).toEqual(affectedSessionIds.sort());
    for (const { refreshToken } of [second, other])
      expectError(await api.refresh(refreshToken), 401, 'SESSION_REVOKED');
  });
});

describe('the security log of the reference service', () => {
  it('has a line for a theft in shadow mode and for a refusal, and none that holds a token', async () => {
    const service = await Service.start({
      NODE_ENV: 'production',
      REFRESH_REUSE: 'report',
      REFRESH_REUSE_SCOPE: 'user',
      ADMIN_EMAIL: undefined,
    });
    try {
      const lines = () =>
        service.output
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line));
      const emitted = async (event: string) => {
        let line;
        while ((line = lines().find((each) => each.event === event)) === undefined) await delay(20);
        return line;
      };
      const api = service.api();
      const chain = [await newSession(api)];
      for (let time = 0; time < 6; time += 1) chain.push(await refreshed(api, chain.at(-1) as Session));
      const [first, current] = [chain[0], chain.at(-1)] as [Session, Session];
      const other = await anotherSession(api, first.email);
      expectError(await api.refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
      expect(await emitted('refresh_token.reuse_detected')).toMatchObject({
        level: 40,
        context: 'Security',
        sessionId: first.id,
        presentedGeneration: 0,
        generation: 6,
        evidence: 'beyond_memory',
        revoked: false,
        scope: 'user',
        affectedSessionIds: [first.id, other.id],
        source: SOURCE,
      });
      await api.logout({ body: { refreshToken: current.refreshToken } });
      expectError(await api.refresh(current.refreshToken), 401, 'SESSION_REVOKED');
      expect(await emitted('refresh_token.refused')).toMatchObject({
        level: 30,
        sessionId: first.id,
        reason: 'session_revoked',
        revokedReason: 'logged_out',
      });
      for (const { refreshToken, accessToken } of chain)
        for (const token of [refreshToken, accessToken]) expect(service.output).not.toContain(token);
    } finally {
      await service.dispose();
    }
  });
});
