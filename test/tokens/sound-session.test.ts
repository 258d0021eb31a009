import { describe, expect, it } from '@jest/globals';
import { mongo, Types } from 'mongoose';
import { readLogin, readSession } from '../../src/tokens/sound-session.js';

const AT = new Date('2026-01-01T00:00:00Z');
const NO_DATE = new Date(Number.NaN);
const HASH = new mongo.Binary(Buffer.alloc(32, 1));
const SEALED = new mongo.Binary(Buffer.alloc(60, 2));
const ATTEMPT = new mongo.Binary(Buffer.alloc(16, 3));
const ID = new Types.ObjectId();

const PREDECESSOR = { hash: 'h', gen: 2, sealed: 's', rotatedAt: AT, attempt: ATTEMPT, displacedAt: AT };
const ABANDONED = { hash: HASH, gen: 1, sealed: SEALED, attempt: ATTEMPT, abandonedAt: AT };
const USE = { ip: '192.0.2.1', userAgent: null, at: AT };
const ROW = {
  _id: ID,
  userId: 'u',
  tokenVersion: 'v',
  generation: 3,
  tokenHash: 'hash',
  predecessors: [PREDECESSOR],
  abandoned: [ABANDONED],
  rotatedAt: AT,
  confirmedAt: AT,
  recoveredAt: null,
  createdAt: AT,
  lastUsedAt: AT,
  expiresAt: AT,
  absoluteExpiresAt: AT,
  transport: 'cookie',
  device: {
    appId: null,
    deviceId: 'd',
    deviceName: null,
    userAgent: 'a',
    ip: '192.0.2.1',
    fingerprint: null,
  },
  recentUses: [USE],
  revokedAt: AT,
  revokedReason: 'logged_out',
};

const read = (change: object = {}) => readSession({ ...ROW, ...change } as never);
const ofPredecessor = (change: object) => ({ predecessors: [PREDECESSOR, { ...PREDECESSOR, ...change }] });
const ofAbandoned = (change: object) => ({ abandoned: [ABANDONED, { ...ABANDONED, ...change }] });
const ofUse = (change: object) => ({ recentUses: [USE, { ...USE, ...change }] });
const ofDevice = (change: object) => ({ device: { ...ROW.device, ...change } });

describe(readSession.name, () => {
  it('reads a stored session', () => {
    expect(read()).toMatchObject({
      id: ID.toHexString(),
      generation: 3,
      predecessors: [
        { hash: 'h', gen: 2, attempt: Buffer.alloc(16, 3).toString('base64url'), displacedAt: AT },
      ],
      abandoned: [{ hash: Buffer.alloc(32, 1).toString('base64url'), gen: 1, abandonedAt: AT }],
      recentUses: [USE],
    });
  });

  it.each<[string, object]>([
    ['without lists', { predecessors: undefined, abandoned: undefined, recentUses: undefined }],
    ['that was never used or ended', { confirmedAt: null, revokedAt: null }],
    [
      'whose attempts are missing',
      { ...ofPredecessor({ attempt: undefined }), ...ofAbandoned({ attempt: null }) },
    ],
    ['with a predecessor that was not displaced', ofPredecessor({ displacedAt: undefined })],
    [
      'of 0.1, without generations',
      { ...ofPredecessor({ gen: undefined }), ...ofAbandoned({ gen: undefined }) },
    ],
    ['whose earlier attempts are missing', { ...ofPredecessor({ formerAttempts: null }) }],
    ['in body transport', { transport: 'body' }],
    ['with a fingerprint, bound to a key', { ...ofDevice({ fingerprint: 'f' }), jkt: 'key' }],
    ['of a device without names', ofDevice({ appId: undefined, deviceId: null, deviceName: undefined })],
  ])('reads one %s', (_what, change) => {
    expect(read(change)).not.toBeNull();
  });

  it.each(['userId', 'tokenVersion', 'tokenHash', 'generation', 'transport', 'device', '_id'])(
    'refuses a session whose %s is missing or of another type',
    (name) => {
      for (const value of [undefined, null, 1.5, ['x'], true]) expect(read({ [name]: value })).toBeNull();
    },
  );

  it.each(['rotatedAt', 'createdAt', 'lastUsedAt', 'expiresAt', 'absoluteExpiresAt'])(
    'refuses a session whose %s is not a time',
    (name) => {
      for (const value of [undefined, null, '2026-01-01', 0, NO_DATE])
        expect(read({ [name]: value })).toBeNull();
    },
  );

  it.each(['confirmedAt', 'revokedAt'])('refuses a session whose %s is neither a time nor null', (name) => {
    for (const value of [true, '2026-01-01', 0, NO_DATE]) expect(read({ [name]: value })).toBeNull();
  });

  it('refuses a session whose fingerprint or key is not text', () => {
    for (const fingerprint of [undefined, 5, {}]) expect(read(ofDevice({ fingerprint }))).toBeNull();
    for (const jkt of [5, {}, true]) expect(read({ jkt })).toBeNull();
  });

  it('refuses a session with an unknown transport', () => {
    expect(read({ transport: 'pigeon' })).toBeNull();
  });

  it.each(['predecessors', 'abandoned', 'recentUses'])(
    'refuses a session whose %s are not a list',
    (name) => {
      for (const value of [{}, 'text', 5, [null], ['text'], [5]]) expect(read({ [name]: value })).toBeNull();
    },
  );

  it.each<[string, object]>([
    ['hash', ofPredecessor({ hash: HASH })],
    ['seal', ofPredecessor({ sealed: undefined })],
    ['time', ofPredecessor({ rotatedAt: 'yesterday' })],
    ['attempt', ofPredecessor({ attempt: 'text' })],
    ['displacement', ofPredecessor({ displacedAt: 'yesterday' })],
    ['generation', ofPredecessor({ gen: 1.5 })],
  ])('refuses a session with a predecessor of a damaged %s', (_what, change) => {
    expect(read(change)).toBeNull();
  });

  it.each<[string, object]>([
    ['hash', ofAbandoned({ hash: 'text' })],
    ['seal', ofAbandoned({ sealed: 'text' })],
    ['time', ofAbandoned({ abandonedAt: undefined })],
    ['attempt', ofAbandoned({ attempt: 5 })],
    ['generation', ofAbandoned({ gen: '1' })],
  ])('refuses a session with an abandoned secret of a damaged %s', (_what, change) => {
    expect(read(change)).toBeNull();
  });

  it.each([['text'], [{}], [['text']], [[null]], [[ATTEMPT, 5]]])(
    'refuses a session whose earlier attempts are %j',
    (formerAttempts) => {
      expect(read(ofPredecessor({ formerAttempts }))).toBeNull();
      expect(read(ofAbandoned({ formerAttempts }))).toBeNull();
    },
  );

  it('reads earlier attempts', () => {
    const former = { formerAttempts: [ATTEMPT, ATTEMPT] };
    const texts = Array.from({ length: 2 }, () => Buffer.alloc(16, 3).toString('base64url'));
    const session = read({ ...ofPredecessor(former), ...ofAbandoned(former) });
    expect(session?.predecessors[1]?.formerAttempts).toEqual(texts);
    expect(session?.abandoned[1]?.formerAttempts).toEqual(texts);
  });

  it.each<[string, object]>([
    ['address', ofUse({ ip: undefined })],
    ['user agent', ofUse({ userAgent: 5 })],
    ['time', ofUse({ at: 'yesterday' })],
  ])('refuses a session with a use of a damaged %s', (_what, change) => {
    expect(read(change)).toBeNull();
  });
});

describe.each([
  ['a session', (device: unknown) => read({ device })],
  ['a login', (device: unknown) => readLogin({ ...ROW, device } as never)],
])('the device of %s', (_what, readDevice) => {
  it.each(['appId', 'deviceId', 'deviceName', 'userAgent', 'ip'])(
    'has text as its %s, or is damaged',
    (name) => {
      expect(readDevice({ ...ROW.device, [name]: 'text' })).not.toBeNull();
      for (const value of [5, {}, true]) expect(readDevice({ ...ROW.device, [name]: value })).toBeNull();
    },
  );

  it('has an address', () => {
    for (const ip of [null, undefined]) expect(readDevice({ ...ROW.device, ip })).toBeNull();
  });
});

describe(readLogin.name, () => {
  const { _id, createdAt, device } = ROW;

  it('reads where a session began from the queried fields only', () => {
    expect(readLogin({ _id, createdAt, device } as never)).toEqual({
      id: ID.toHexString(),
      at: AT,
      ip: '192.0.2.1',
      userAgent: 'a',
      deviceId: 'd',
    });
  });

  it.each<[string, object]>([
    ['id', { _id: 'text' }],
    ['time', { createdAt: 'yesterday' }],
    ['missing device', { device: undefined }],
    ['device that is text', { device: 'phone' }],
    ['device that is null', { device: null }],
  ])('refuses a login without a valid id, time or device: %s', (_what, change) => {
    expect(readLogin({ _id, createdAt, device, ...change } as never)).toBeNull();
  });
});
