import { describe, expect, it } from '@jest/globals';
import { mongo, Types } from 'mongoose';
import type { RefreshSession } from '../../src/core/refresh-token.store.js';
import { toRow, toSession } from '../../src/tokens/mongo-refresh-token.row.js';

const AT = new Date('2026-01-01T00:00:00Z');
const ATTEMPT = Buffer.alloc(16, 3).toString('base64url');
const FORMER = [Buffer.alloc(16, 4).toString('base64url'), Buffer.alloc(16, 5).toString('base64url')];
const bytes = (text: string) => new mongo.Binary(Buffer.from(text, 'base64url'));
const HASH = Buffer.alloc(32, 1).toString('base64url');
const SEALED = Buffer.alloc(60, 2).toString('base64url');

/** A session at its beginning. */
const NEW: RefreshSession = {
  id: new Types.ObjectId().toHexString(),
  userId: 'u',
  tokenVersion: 'v',
  generation: 0,
  tokenHash: 'hash',
  predecessors: [],
  abandoned: [],
  rotatedAt: AT,
  confirmedAt: null,
  createdAt: AT,
  lastUsedAt: AT,
  expiresAt: AT,
  absoluteExpiresAt: AT,
  transport: 'cookie',
  jkt: null,
  device: {
    appId: null,
    deviceId: null,
    deviceName: null,
    userAgent: null,
    ip: '192.0.2.1',
    fingerprint: null,
  },
  recentUses: [{ ip: '192.0.2.1', userAgent: null, at: AT }],
  sharedUse: null,
  revokedAt: null,
  revokedReason: null,
};
const BARE = { hash: HASH, gen: 3, sealed: SEALED, attempt: null };
const FULL = { ...BARE, attempt: ATTEMPT, formerAttempts: FORMER };

/** A session with every optional field. */
const OLD: RefreshSession = {
  ...NEW,
  jkt: 'key',
  sharedUse: { generation: 1, pair: 'abcdefgh', generations: 2 },
  predecessors: [
    { ...BARE, rotatedAt: AT, displacedAt: null },
    { ...FULL, rotatedAt: AT, displacedAt: AT },
  ],
  abandoned: [
    { ...BARE, abandonedAt: AT },
    { ...FULL, abandonedAt: AT },
  ],
};

describe('a session as a document', () => {
  it('is read back unchanged', () => {
    for (const session of [NEW, OLD]) expect(toSession(toRow(session))).toStrictEqual(session);
  });

  it('leaves out fields that most sessions never have, and stays readable for an instance of 0.1', () => {
    const row = toRow(NEW);
    expect(row).toMatchObject({ _id: new Types.ObjectId(NEW.id), recoveredAt: null, predecessors: [] });
    for (const name of ['id', 'jkt', 'sharedUse']) expect(row).not.toHaveProperty(name);
    expect(toRow(OLD)).toMatchObject({ jkt: 'key', sharedUse: OLD.sharedUse });
  });

  it('leaves out null fields of earlier secrets', () => {
    const { predecessors, abandoned } = toRow(OLD);
    expect(predecessors[0]).toStrictEqual({ hash: HASH, gen: 3, sealed: SEALED, rotatedAt: AT });
    const bare = { hash: bytes(HASH), gen: 3, sealed: bytes(SEALED), abandonedAt: AT };
    expect(abandoned?.[0]).toStrictEqual(bare);
  });

  it('stores attempts and abandoned secrets as bytes: three quarters of their text', () => {
    const { predecessors, abandoned } = toRow(OLD);
    const attempts = { attempt: bytes(ATTEMPT), formerAttempts: FORMER.map(bytes) };
    expect(predecessors[1]).toStrictEqual({
      hash: HASH,
      gen: 3,
      sealed: SEALED,
      rotatedAt: AT,
      displacedAt: AT,
      ...attempts,
    });
    expect(abandoned?.[1]).toStrictEqual({
      hash: bytes(HASH),
      gen: 3,
      sealed: bytes(SEALED),
      abandonedAt: AT,
      ...attempts,
    });
  });

  it('from 0.1 has no attempts, generations of earlier secrets, abandoned secrets, keys or shared uses', () => {
    const { abandoned: _a, ...row } = toRow(NEW);
    const predecessors = [{ hash: HASH, sealed: SEALED, rotatedAt: AT }];
    expect(toSession({ ...row, predecessors })).toStrictEqual({
      ...NEW,
      predecessors: [{ ...BARE, gen: 0, rotatedAt: AT, displacedAt: null }],
    });
  });
});
