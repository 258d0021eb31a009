import { describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { mongo } from 'mongoose';
import { securityEvent } from '../../src/audit/security-event.js';
import { ANOMALY_RULES, type AnomalyRule } from '../../src/core/anomaly.js';
import type { AnomalyOptions } from '../../src/options/anomaly.options.js';
import { AnomalyDetector } from '../../src/risk/anomaly-detector.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const THIEF = { ip: '198.51.100.7', userAgent: 'curl/8', fingerprints: ['f'] };

const newWorld = (anomaly: AnomalyOptions = {}) =>
  new RotationWorld(new InMemoryRefreshTokenStore(), { anomaly });
type World = ReturnType<typeof newWorld>;

const suspicions = (world: World) =>
  world.events.filter(({ name }) => name === 'activity.suspected').map(({ payload }) => payload);

/** A session that was used for a while, and its current token. */
async function lived(world: World, uses = 3) {
  let token = world.token(await world.login());
  for (let use = 0; use < uses; use += 1) {
    world.now += MINUTE;
    const opened = await world.refresh(token);
    if (typeof opened === 'string') throw new Error(opened);
    token = world.token(opened);
  }
  world.now += MINUTE;
  return token;
}

const LOGIN = { failedAttempts: 0, isTrustedDevice: true, amr: ['pwd'] };

describe(AnomalyDetector.name, () => {
  it('reports an unfamiliar client and answers it: by default nothing ends', async () => {
    const world = newWorld();
    const token = await lived(world);
    expect(typeof (await world.refresh(token, THIEF))).toBe('object');
    expect(suspicions(world)).toEqual([
      {
        userId: 'user-1',
        sessionId: token.sid,
        rule: 'unfamiliar_client',
        action: 'report',
        evidence: { earlierUses: 4, lastIp: CLIENT.ip, lastUserAgent: CLIENT.userAgent },
        source: { ip: THIEF.ip, userAgent: THIEF.userAgent },
      },
    ]);
    expect(world.revokedSessions).toEqual([]);
  });

  it('needs three earlier uses: the judged rotation itself does not count', async () => {
    const world = newWorld();
    await world.refresh(await lived(world, 1), THIEF);
    expect(suspicions(world)).toEqual([]);
    const later = newWorld();
    await later.refresh(await lived(later, 2), THIEF);
    expect(suspicions(later)).toHaveLength(1);
  });

  it('refuses an unfamiliar client and ends its session if the policy says so, and no other session', async () => {
    const world = newWorld({ action: 'revoke-session' });
    const other = world.token(await world.login());
    const token = await lived(world);
    expect(await world.refresh(token, THIEF)).toBe('SUSPICIOUS_ACTIVITY');
    expect((await world.store.findById(token.sid))?.revokedReason).toBe('suspicious_activity');
    expect(await world.refresh(token)).toBe('SESSION_REVOKED');
    expect(typeof (await world.refresh(other))).toBe('object');
  });

  it('ends every session of the user if the policy says so', async () => {
    const world = newWorld({ action: 'revoke-user' });
    const other = world.token(await world.login());
    const token = await lived(world);
    expect(await world.refresh(token, THIEF)).toBe('SUSPICIOUS_ACTIVITY');
    expect(await world.refresh(other)).toBe('SESSION_REVOKED');
    expect(world.revokedSessions.sort()).toEqual([token.sid, other.sid].sort());
  });

  it('judges races of tabs and recoveries as well: everything that is answered', async () => {
    const world = newWorld({ action: 'revoke-session' });
    const token = await lived(world);
    await world.refresh(token);
    expect(await world.refresh(token, THIEF)).toBe('SUSPICIOUS_ACTIVITY');
    const recovering = newWorld({ action: 'revoke-session' });
    const lost = await lived(recovering);
    await recovering.refresh(lost);
    recovering.now += MINUTE;
    expect(await recovering.refresh(lost, THIEF)).toBe('SUSPICIOUS_ACTIVITY');
  });

  it('suspects the second recovery of one generation, once the grace period of the first is over', async () => {
    const world = newWorld();
    const token = await lived(world);
    await world.refresh(token);
    for (let recovery = 0; recovery < 2; recovery += 1) {
      world.now += MINUTE;
      expect(suspicions(world)).toEqual([]);
      expect(typeof (await world.refresh(token))).toBe('object');
    }
    expect(suspicions(world)).toMatchObject([{ rule: 'repeated_recovery' }]);
  });

  it('suspects a client that refreshes in a loop, and reports it once in ten minutes', async () => {
    const world = newWorld();
    let token = world.token(await world.login());
    for (let turn = 0; turn < 500; turn += 1) {
      world.now += SECOND;
      const opened = await world.refresh(token);
      if (typeof opened === 'string') throw new Error(opened);
      token = world.token(opened);
    }
    expect(suspicions(world)).toMatchObject([{ rule: 'excessive_refreshes', evidence: { rotations: 201 } }]);
  });

  it('counts rotations by the generation: includes those in other processes, excludes those long ago', () => {
    const detector = new AnomalyDetector(newWorld().options, { emit: jest.fn() } as never);
    expect(detector.rotations('s', 100, 0).rotations).toBe(0);
    expect(detector.rotations('s', 350, 5 * MINUTE).rotations).toBe(250);
    expect(detector.rotations('other', 7, 5 * MINUTE).rotations).toBe(0);
    expect(detector.rotations('s', 355, 10 * MINUTE).rotations).toBe(255);
    expect(detector.rotations('s', 360, 10 * MINUTE + 1).rotations).toBe(0);
  });

  it('reports each rule for each session, and reports again after ten minutes', () => {
    const emit = jest.fn();
    const rules = ['a', 'b'].map((name) => ({ name, examine: () => ({}) }));
    const detector = new AnomalyDetector(newWorld({ rules }).options, { emit } as never);
    const reported = (sessionId: string, minutes: number) => {
      emit.mockClear();
      const use = { ip: CLIENT.ip, userAgent: null, at: new Date(minutes * MINUTE) };
      const activity = { kind: 'login', userId: 'u', sessionId, use, failedAttempts: 0, logins: [] } as const;
      detector.judge(activity, { ip: CLIENT.ip, userAgent: null });
      return emit.mock.calls.map(([, payload]) => (payload as { rule: string }).rule);
    };
    expect(reported('one', 0)).toEqual(['a', 'b']);
    expect(reported('other', 1)).toEqual(['a', 'b']);
    expect(reported('one', 9)).toEqual([]);
    expect(reported('one', 10)).toEqual(['a', 'b']);
    expect(reported('one', 11)).toEqual([]);
  });

  it('judges a login by what came before it, and refuses it if the policy says so', async () => {
    const world = newWorld({ action: 'revoke-session' });
    if (!world.user) throw new Error('there is a user');
    const login = (failedAttempts: number) =>
      world.opener.openByLogin(world.user!, { transport: 'cookie' }, CLIENT, {
        failedAttempts,
        isTrustedDevice: true,
        amr: ['pwd'],
      });
    await login(5);
    expect(suspicions(world)).toEqual([]);
    await expect(login(6)).rejects.toMatchObject({ code: 'SUSPICIOUS_ACTIVITY', keepsCookie: true });
    expect(suspicions(world)).toMatchObject([
      { rule: 'login_after_failures', evidence: { failedAttempts: 6 } },
    ]);
    expect(world.revokedSessions).toHaveLength(1);
  });

  it('suspects logins from four networks within minutes', async () => {
    const world = newWorld();
    if (!world.user) throw new Error('there is a user');
    for (const ip of ['203.0.113.9', '198.51.100.7', '192.0.2.1', '100.64.0.1']) {
      expect(suspicions(world)).toEqual([]);
      await world.opener.openByLogin(world.user, { transport: 'cookie' }, { ...CLIENT, ip }, LOGIN);
    }
    expect(suspicions(world)).toMatchObject([{ rule: 'scattered_logins', evidence: { networks: 4 } }]);
  });

  it('a session that a registration or a password change begins is not a login', async () => {
    const world = newWorld({ action: 'revoke-session', rules: [{ name: 'all', examine: () => ({}) }] });
    expect((await world.login()).session.revokedAt).toBeNull();
    expect(suspicions(world)).toEqual([]);
  });

  it("applies an application's rules, with the others or instead of them", async () => {
    const night: AnomalyRule = {
      name: 'at_night',
      examine: ({ use }) => (use.at.getUTCHours() < 6 ? { hour: use.at.getUTCHours() } : null),
    };
    const world = newWorld({ rules: [...ANOMALY_RULES, night] });
    await world.refresh(world.token(await world.login()));
    expect(suspicions(world)).toMatchObject([{ rule: 'at_night', evidence: { hour: 0 } }]);
  });

  it('a rule that fails is logged, and refuses nobody', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const broken: AnomalyRule = {
      name: 'broken',
      examine: () => {
        throw new Error('a bug of the host');
      },
    };
    const world = newWorld({ action: 'revoke-user', rules: [broken] });
    expect(typeof (await world.refresh(world.token(await world.login())))).toBe('object');
    expect(logged).toHaveBeenCalledWith(expect.stringContaining('a bug of the host'));
    logged.mockRestore();
  });

  it.each([
    ['a promise', async () => ({ odd: true })],
    ['a promise that rejects', async () => Promise.reject(new Error('a bug of the host'))],
    ['something that a library treats as a promise', () => ({ then: () => undefined })],
    ['true', () => true],
    ['a text', () => 'odd'],
    ['a list', () => [1]],
    ['a function', () => () => ({})],
  ])('a rule that returns %s is logged, and refuses nobody', async (_what, examine) => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const rules = [{ name: 'broken', examine: examine as unknown as AnomalyRule['examine'] }];
    const world = newWorld({ action: 'revoke-user', rules });
    expect(typeof (await world.refresh(world.token(await world.login())))).toBe('object');
    expect(suspicions(world)).toEqual([]);
    expect(logged).toHaveBeenCalledWith(expect.stringMatching(/the anomaly rule broken failed: .*returned/));
    logged.mockRestore();
  });

  it('whatever a rule returns as evidence fits into an event and into the database', async () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    const saw = {
      ip: '203.0.113.9',
      action: 'none',
      loop,
      big: 10n ** 30n,
      'a\0b.c': 'x'.repeat(10_000),
      _bsontype: 'ObjectId',
      half: '\ud800',
      ...Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`n${n}`, n])),
    };
    const world = newWorld({ rules: [{ name: 'all', examine: () => saw as never }] });
    await world.refresh(world.token(await world.login()));
    const [suspicion] = suspicions(world) as { evidence: Record<string, unknown> }[];
    expect(Object.keys(suspicion?.evidence ?? {})).toHaveLength(20);
    expect(suspicion?.evidence).toMatchObject({
      ip: '203.0.113.9',
      loop: '(object)',
      big: '(bigint)',
      'a-b-c': 'x'.repeat(256),
      '-bsontype': 'ObjectId',
      half: '\ufffd',
    });
    expect(() => mongo.BSON.serialize(suspicion ?? {})).not.toThrow();
    const row = securityEvent('id', new Date(), 'activity.suspected', suspicion as never);
    expect(row.evidence).toMatchObject({ action: 'report' });
  });
});
