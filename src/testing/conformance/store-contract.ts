import { ok } from 'node:assert/strict';
import type { RefreshSession, RefreshTokenStore, RotationCommand } from '../../core/refresh-token.store.js';
import { MAX_PREDECESSORS, MAX_RECENT_USES } from '../../core/rotation.js';
import { type ConformanceCase, expectMembers, expectSame } from './framework.js';
import {
  at,
  DEVICE_KEY,
  FINGERPRINT,
  fullSession,
  hashOf,
  newSession,
  reissue,
  rotatedSession,
  rotation,
} from './sample-sessions.js';

type Case = ConformanceCase<{ readonly store: RefreshTokenStore }>;

const REVOKED = { revokedAt: at(0), revokedReason: 'logged_out' } as const;
/** Maximum difference between the clocks of store and test. */
const CLOCK_TOLERANCE_MS = 60_000;

async function created(
  store: RefreshTokenStore,
  over: Partial<RefreshSession> = {},
): Promise<RefreshSession> {
  const session = newSession(store, over);
  await store.create(session);
  return session;
}

const newUser = (store: RefreshTokenStore) => `user-${store.newId()}`;

const keeping: Case[] = [
  {
    name: 'newId returns unique ids of 24 hexadecimal digits',
    run: async ({ store }) => {
      const ids = Array.from({ length: 1000 }, () => store.newId());
      ok(
        ids.every((id) => /^[0-9a-f]{24}$/.test(id)),
        `newId returned ${ids[0]}`,
      );
      expectSame(new Set(ids).size, ids.length, 'newId returned an id twice');
    },
  },
  {
    name: 'returns every member of a created session',
    run: async ({ store }) => {
      for (const session of [newSession(store), fullSession(store)]) {
        await store.create(session);
        expectSame(await store.findById(session.id), session);
      }
      expectSame(await store.findById(store.newId()), null, 'an unknown id must return null');
    },
  },
  {
    name: 'keeps milliseconds',
    run: async ({ store }) => {
      const session = await created(store, { lastUsedAt: new Date(at(1).getTime() + 789) });
      expectSame((await store.findById(session.id))?.lastUsedAt, session.lastUsedAt);
    },
  },
];

const rotating: Case[] = [
  {
    name: 'rotates in place: new hash, next generation, stored predecessor and use, unconfirmed again',
    run: async ({ store }) => {
      const session = await created(store);
      await store.confirm(session.id, 0, at(1));
      const rotated = await store.rotate(rotation(session, 0));
      const expected: RefreshSession = {
        ...session,
        generation: 1,
        tokenHash: hashOf(1),
        predecessors: [rotation(session, 0).predecessor],
        recentUses: [...session.recentUses, rotation(session, 0).use],
        rotatedAt: at(1),
        lastUsedAt: at(1),
        expiresAt: at(2000),
      };
      expectSame(rotated, expected);
      expectSame(await store.findById(session.id), expected);
    },
  },
  {
    name: 'keeps the expiry if the command has none',
    run: async ({ store }) => {
      const session = await created(store);
      const rotated = await store.rotate(rotation(session, 0, { expiresAt: null }));
      expectSame(rotated?.expiresAt, session.expiresAt);
    },
  },
  ...(
    [
      ['another secret is current', {}, { ifTokenHash: hashOf('other') }],
      ['the absolute expiry differs', {}, { ifAbsoluteExpiresAt: at(5001) }],
      ['it is revoked', REVOKED, {}],
      ['it has expired, at that very moment', { expiresAt: at(1) }, {}],
    ] as [string, Partial<RefreshSession>, Partial<RotationCommand>][]
  ).map(([where, state, command]) => ({
    name: `does not rotate, and changes nothing, if ${where}`,
    run: async ({ store }: { store: RefreshTokenStore }) => {
      const session = await created(store, state);
      expectSame(await store.rotate(rotation(session, 0, command)), null);
      expectSame(await store.findById(session.id), session);
    },
  })),
  {
    name: 'does not rotate a session that does not exist',
    run: async ({ store }) => {
      const session = newSession(store);
      expectSame(await store.rotate(rotation(session, 0)), null);
      expectSame(await store.findById(session.id), null);
    },
  },
  {
    name: `keeps the latest ${MAX_PREDECESSORS} predecessors and ${MAX_RECENT_USES} uses`,
    run: async ({ store }) => {
      const session = await created(store);
      for (let index = 0; index < 9; index += 1) await store.rotate(rotation(session, index));
      const after = await store.findById(session.id);
      expectSame(
        after?.predecessors.map(({ hash }) => hash),
        [5, 6, 7, 8].map(hashOf),
      );
      expectSame(
        after?.recentUses.map((use) => use.at),
        [5, 6, 7, 8, 9].map(at),
      );
    },
  },
  {
    name: 'with readTime, writes its own time if the command has none',
    run: async ({ store }) => {
      if (!store.readTime) return;
      const session = await created(store);
      const before = await store.readTime();
      const rotated = await store.rotate(rotation(session, 0, { rotatedAt: null }));
      const after = await store.readTime();
      const written = rotated?.rotatedAt.getTime() ?? 0;
      // It may be slightly older than the value read before: some databases use the start time of an operation.
      ok(
        before - 1000 <= written && written <= after + 1000,
        `rotatedAt ${written}, not ${before} to ${after}`,
      );
      ok(
        Math.abs(Date.now() - after) < CLOCK_TOLERANCE_MS,
        `readTime returned ${after}, which is not the current time in milliseconds`,
      );
      expectSame(rotated?.lastUsedAt, at(1));
    },
  },
];

const reissuing: Case[] = [
  {
    name: 'reissues in place: new hash, next generation, the given predecessors and abandoned secrets',
    run: async ({ store }) => {
      const session = await created(store);
      await store.rotate(rotation(session, 0));
      const command = reissue(session);
      const reissued = await store.reissue(command);
      expectMembers(reissued, {
        generation: 2,
        tokenHash: hashOf('r'),
        predecessors: command.predecessors,
        abandoned: command.abandoned,
        rotatedAt: at(9),
        lastUsedAt: at(9),
        expiresAt: at(3000),
        sharedUse: command.sharedUse,
      });
      expectSame(reissued?.recentUses.at(-1), command.use);
      expectSame(await store.findById(session.id), reissued);
    },
  },
  {
    name: 'keeps the shared use if the command has none',
    run: async ({ store }) => {
      const sharedUse = { generation: 1, pair: 'abcdefgh', generations: 1 };
      const session = await created(store, { ...rotatedSession(store), sharedUse });
      expectSame((await store.reissue(reissue(session, { sharedUse: null })))?.sharedUse, sharedUse);
    },
  },
  ...(
    [
      ['another secret is current', {}, { ifTokenHash: hashOf('other') }],
      ['the generation differs', {}, { ifGeneration: 0 }],
      ['it is revoked', REVOKED, {}],
      ['it has expired, at that very moment', { expiresAt: at(9) }, {}],
      ['it was confirmed in the meantime', { confirmedAt: at(2) }, {}],
    ] as [string, Partial<RefreshSession>, object][]
  ).map(([where, state, command]) => ({
    name: `does not reissue, and changes nothing, if ${where}`,
    run: async ({ store }: { store: RefreshTokenStore }) => {
      const session = await created(store, rotatedSession(store, state));
      expectSame(await store.reissue(reissue(session, command)), null);
      expectSame(await store.findById(session.id), session);
    },
  })),
  {
    name: 'reissues a confirmed generation if the command allows it',
    run: async ({ store }) => {
      const session = await created(store, rotatedSession(store, { confirmedAt: at(2) }));
      const reissued = await store.reissue(reissue(session, { ifUnconfirmed: false }));
      expectMembers(reissued, { generation: 2, confirmedAt: null });
    },
  },
];

const noting: Case[] = [
  {
    name: 'confirms once, and only the current generation',
    run: async ({ store }) => {
      const session = await created(store, { generation: 3 });
      for (const generation of [2, 4]) await store.confirm(session.id, generation, at(1));
      expectMembers(await store.findById(session.id), { confirmedAt: null });
      for (const seconds of [4, 5]) await store.confirm(session.id, 3, at(seconds));
      expectMembers(await store.findById(session.id), { confirmedAt: at(4) });
    },
  },
  {
    name: 'records a shared use only for the current generation',
    run: async ({ store }) => {
      const session = await created(store);
      const sharedUse = { generation: 0, pair: 'abcdefgh', generations: 1 };
      const use = { ip: '198.51.100.7', userAgent: null, at: at(3) };
      await store.recordSharedUse(session.id, 1, use, sharedUse);
      expectSame(await store.findById(session.id), session);
      await store.recordSharedUse(session.id, 0, use, sharedUse);
      const recentUses = [...session.recentUses, use];
      expectSame(await store.findById(session.id), { ...session, sharedUse, recentUses });
      for (let second = 4; second < 13; second += 1)
        await store.recordSharedUse(session.id, 0, { ...use, at: at(second) }, sharedUse);
      const latest = Array.from({ length: MAX_RECENT_USES }, (_, index) => at(13 - MAX_RECENT_USES + index));
      expectSame(
        (await store.findById(session.id))?.recentUses.map((each) => each.at),
        latest,
      );
    },
  },
  {
    name: 'replaces a fingerprint only if it is still the expected one',
    run: async ({ store }) => {
      const session = await created(store);
      const now = async () => (await store.findById(session.id))?.device.fingerprint;
      await store.replaceFingerprint(session.id, 'other', 'new');
      expectSame(await now(), FINGERPRINT);
      await store.replaceFingerprint(session.id, FINGERPRINT, 'new');
      expectSame(await now(), 'new');
    },
  },
  {
    name: 'records an authentication only for a live session',
    run: async ({ store }) => {
      const session = await created(store);
      const made = { authTime: at(7), amr: ['pwd', 'otp'] };
      expectSame(await store.recordAuthentication(session.id, made, at(8)), { ...session, ...made });
      expectSame(await store.findById(session.id), { ...session, ...made });
      const late = { authTime: at(9), amr: ['hwk'] };
      expectSame(await store.recordAuthentication(session.id, late, session.expiresAt), null);
      await store.revoke([session.id], 'logged_out', at(9));
      expectSame(await store.recordAuthentication(session.id, late, at(9)), null);
      expectSame(await store.recordAuthentication(store.newId(), late, at(9)), null);
      expectMembers(await store.findById(session.id), made);
    },
  },
];

const binding: Case[] = [
  {
    name: 'with bindDevice, binds a live session only to the first key',
    run: async ({ store }) => {
      if (!store.bindDevice) return;
      const session = await created(store);
      const bound = { ...session, deviceKey: DEVICE_KEY };
      expectSame(await store.bindDevice(session.id, DEVICE_KEY, at(8)), bound);
      expectSame(await store.bindDevice(session.id, DEVICE_KEY.replace('k', 'j'), at(8)), bound);
      expectSame(await store.findById(session.id), bound);
    },
  },
  {
    name: 'with bindDevice, does not bind a session that is revoked, expired or unknown',
    run: async ({ store }) => {
      if (!store.bindDevice) return;
      for (const state of [REVOKED, { expiresAt: at(8) }]) {
        const session = await created(store, state);
        expectSame(await store.bindDevice(session.id, DEVICE_KEY, at(8)), null);
        expectSame(await store.findById(session.id), session);
      }
      expectSame(await store.bindDevice(store.newId(), DEVICE_KEY, at(8)), null);
    },
  },
  {
    name: 'with bindDevice, rotates a bound session unless the command requires an unbound one',
    run: async ({ store }) => {
      if (!store.bindDevice) return;
      const unbound = await created(store);
      expectSame((await store.rotate(rotation(unbound, 0, { ifUnbound: true })))?.generation, 1);
      const bound = await created(store, { deviceKey: DEVICE_KEY });
      expectSame(await store.rotate(rotation(bound, 0, { ifUnbound: true })), null);
      expectSame(await store.findById(bound.id), bound);
      expectMembers(await store.rotate(rotation(bound, 0)), { generation: 1, deviceKey: DEVICE_KEY });
    },
  },
];

const proofs: Case[] = [
  {
    name: 'with recordProof, records a proof once, and only for the current generation',
    run: async ({ store }) => {
      if (!store.recordProof) return;
      const session = await created(store);
      const use = { ip: '198.51.100.7', userAgent: null, at: at(3), proof: 'proof-1' };
      expectSame(await store.recordProof(session.id, 1, use), false);
      expectSame(await store.recordProof(store.newId(), 0, use), false);
      expectSame(await store.findById(session.id), session);
      expectSame(await store.recordProof(session.id, 0, use), true);
      expectSame(await store.recordProof(session.id, 0, { ...use, at: at(4) }), false);
      const recentUses = [...session.recentUses, use];
      expectSame(await store.findById(session.id), { ...session, recentUses });
      for (let second = 4; second < 13; second += 1)
        await store.recordProof(session.id, 0, { ...use, at: at(second), proof: `proof-${second}` });
      const kept = await store.findById(session.id);
      expectSame(kept?.recentUses.length, MAX_RECENT_USES);
      expectSame(kept?.recentUses.at(-1)?.proof, 'proof-12');
    },
  },
];

const ending: Case[] = [
  {
    name: 'revokes once: keeps the first time and reason',
    run: async ({ store }) => {
      const [first, ...rest] = [await created(store), await created(store), await created(store)];
      const others = rest.map(({ id }) => id);
      const ids = [first.id, ...others];
      expectSame(await store.revoke([first.id], 'logged_out', at(1)), [first.id]);
      expectSame((await store.revoke(ids, 'evicted', at(2))).toSorted(), others.toSorted());
      expectMembers(await store.findById(first.id), { revokedAt: at(1), revokedReason: 'logged_out' });
      for (const id of others)
        expectMembers(await store.findById(id), { revokedAt: at(2), revokedReason: 'evicted' });
      expectSame(await store.revoke(ids, 'evicted', at(3)), []);
      expectSame(await store.revoke([], 'evicted', at(3)), []);
      expectSame(await store.revoke([store.newId()], 'evicted', at(3)), [], 'an unknown session was revoked');
    },
  },
  {
    name: 'removes the sessions of only the given user',
    run: async ({ store }) => {
      const [own, ended, other] = [newSession(store), newSession(store, REVOKED), newSession(store)] as const;
      const userId = 'user-to-be-removed';
      for (const session of [{ ...own, userId }, { ...ended, userId }, other]) await store.create(session);
      await store.removeOfUser(userId);
      await store.removeOfUser(userId);
      expectSame(await store.findById(own.id), null);
      expectSame(await store.findById(ended.id), null);
      expectSame((await store.findById(other.id))?.id, other.id);
    },
  },
  {
    name: 'revokes hundreds of sessions in one call',
    run: async ({ store }) => {
      const ids: string[] = [];
      for (let count = 0; count < 300; count += 1) ids.push((await created(store)).id);
      expectSame((await store.revoke(ids, 'evicted', at(1))).toSorted(), ids.toSorted());
    },
  },
];

const listing: Case[] = [
  {
    name: "lists a user's live sessions and logins, latest use first",
    run: async ({ store }) => {
      const userId = newUser(store);
      const used = (seconds: number) => newSession(store, { userId, lastUsedAt: at(seconds) });
      const [a, b, c] = [used(1), used(2), used(3)];
      const dead = newSession(store, { userId, ...REVOKED });
      const old = newSession(store, { userId, expiresAt: at(10) });
      for (const session of [a, c, dead, b, old]) await store.create(session);
      expectSame(await store.findLive(userId, at(10)), [c, b, a]);
      const logins = await store.findLogins(userId, at(10));
      const { ip, userAgent } = a.device;
      expectSame(logins.at(-1), { id: a.id, ip, userAgent, deviceId: null, at: at(0) });
      expectSame(
        logins.map(({ id }) => id),
        [c.id, b.id, a.id],
      );
    },
  },
  {
    name: 'knows the devices of a user, including those of ended sessions',
    run: async ({ store }) => {
      const userId = newUser(store);
      const device = { ...newSession(store).device, deviceId: 'phone-1' };
      await created(store, { userId, device, ...REVOKED });
      expectSame(await store.hasDevice(userId, 'phone-1'), true);
      expectSame(await store.hasDevice(userId, 'phone-2'), false);
      expectSame(await store.hasDevice('another', 'phone-1'), false);
      expectSame(await store.hasDevice(userId, 'phone-1', 'v'), true);
      expectSame(await store.hasDevice(userId, 'phone-1', 'a later version'), false);
    },
  },
  {
    name: 'returns the latest ended sessions, with their origin and the reason of their end',
    run: async ({ store }) => {
      const userId = newUser(store);
      const reasons = ['logged_out', 'ended_by_user', 'evicted'] as const;
      const ended = reasons.map((revokedReason, index) =>
        newSession(store, { userId, revokedAt: at(index), revokedReason }),
      );
      const others = [newSession(store, { userId }), newSession(store, REVOKED)];
      for (const session of [...ended, ...others]) await store.create(session);
      const found = await store.findEndedLogins(userId);
      const byId = (list: readonly { id: string; revokedReason: unknown }[]) =>
        list.map(({ id, revokedReason }) => `${id} ${String(revokedReason)}`).toSorted();
      expectSame(byId(found), byId(ended));
      const { ip, userAgent } = newSession(store).device;
      expectMembers(found[0], { ip, userAgent, deviceId: null, at: at(0) });
    },
  },
  {
    name: 'counts live sessions of all users within the given limit',
    run: async ({ store }) => {
      // Later than the sessions of any other test, and of earlier runs on the same data.
      const begin = 1_000_000 + Math.floor(Math.random() * 1e9) * 10;
      const until = (seconds: number) => ({
        expiresAt: at(begin + seconds),
        absoluteExpiresAt: at(begin + 9),
      });
      const none = await store.countLive(at(begin), 10);
      if (none.active > 0 || none.isAtLeast) return;
      for (const over of [until(0), until(1), { ...until(2), ...REVOKED }, { ...until(3), userId: 'w' }])
        await created(store, over);
      const count = (limit: number) => store.countLive(at(begin), limit);
      expectSame(await count(10), { active: 2, isAtLeast: false });
      expectSame(await count(4), { active: 2, isAtLeast: false });
      expectSame(await count(3), { active: 2, isAtLeast: true });
      const { active, isAtLeast } = await count(2);
      ok(isAtLeast && active >= 1 && active <= 2, `of two sessions that were read, ${active} are live`);
      expectSame(await store.countLive(at(begin + 9), 2), { active: 0, isAtLeast: false });
    },
  },
];

/** Tests of the result of each operation. */
export const CONTRACT: readonly Case[] = [
  ...keeping,
  ...rotating,
  ...reissuing,
  ...noting,
  ...binding,
  ...proofs,
  ...ending,
  ...listing,
];
