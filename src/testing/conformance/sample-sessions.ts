import type {
  RefreshSession,
  RefreshTokenStore,
  ReissueCommand,
  RotationCommand,
} from '../../core/refresh-token.store.js';

const T0 = Date.parse('2100-01-01T00:00:00Z');

/** Far in the future, so that no store deletes a session for its age. */
export const at = (seconds: number) => new Date(T0 + seconds * 1000);

/** Hashes of constant length, because a store may rely on the length. */
export const hashOf = (name: string | number) => `hash-${name}`.padEnd(43, '_');

export const FINGERPRINT = 'f'.repeat(43);
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
export const DEVICE_KEY = `A${'k'.repeat(43)}`;
const ATTEMPT = 'A'.repeat(22);
const SEAL = 'S'.repeat(80);

export function newSession(store: RefreshTokenStore, over: Partial<RefreshSession> = {}): RefreshSession {
  return {
    id: store.newId(),
    userId: 'u',
    tokenVersion: 'v',
    generation: 0,
    tokenHash: hashOf(0),
    predecessors: [],
    rotatedAt: at(0),
    confirmedAt: null,
    abandoned: [],
    createdAt: at(0),
    lastUsedAt: at(0),
    expiresAt: at(1000),
    absoluteExpiresAt: at(5000),
    transport: 'cookie',
    jkt: null,
    device: {
      appId: null,
      deviceId: null,
      deviceName: 'Phone',
      userAgent: USER_AGENT,
      ip: '192.0.2.1',
      fingerprint: FINGERPRINT,
    },
    recentUses: [{ ip: '192.0.2.1', userAgent: 'a', at: at(0) }],
    sharedUse: null,
    revokedAt: null,
    revokedReason: null,
    ...over,
  };
}

/** A session with every optional member and non-ASCII text. */
export function fullSession(store: RefreshTokenStore): RefreshSession {
  const { device } = newSession(store);
  return newSession(store, {
    generation: 7,
    predecessors: [...reissue(newSession(store)).predecessors, rotation(newSession(store), 0).predecessor],
    abandoned: reissue(newSession(store)).abandoned,
    confirmedAt: at(2),
    authTime: at(1),
    amr: ['pwd', 'otp'],
    remember: false,
    transport: 'body',
    jkt: 'k'.repeat(43),
    deviceKey: DEVICE_KEY,
    device: { ...device, appId: 'app', deviceId: 'phone-1', deviceName: "Zoë's \u{1F4F1}; DROP TABLE" },
    recentUses: [{ ip: '2001:db8::1', userAgent: null, at: at(0), proof: 'p'.repeat(43) }],
    sharedUse: { generation: 6, pair: 'abcdefgh', generations: 2 },
    revokedAt: at(3),
    revokedReason: 'evicted',
  });
}

/** A rotation of the session whose current secret has this index. */
export function rotation(
  session: RefreshSession,
  index: number,
  over: Partial<RotationCommand> = {},
): RotationCommand {
  return {
    sessionId: session.id,
    ifTokenHash: hashOf(index),
    ifAbsoluteExpiresAt: session.absoluteExpiresAt,
    now: at(index + 1),
    tokenHash: hashOf(index + 1),
    predecessor: {
      hash: hashOf(index),
      gen: index,
      sealed: `sealed-${index}`.padEnd(80, '_'),
      rotatedAt: at(index + 1),
      attempt: ATTEMPT,
      displacedAt: null,
    },
    rotatedAt: at(index + 1),
    use: { ip: '192.0.2.2', userAgent: USER_AGENT, at: at(index + 1) },
    expiresAt: at(2000 + index),
    ...over,
  };
}

/** A reissue of the session whose current secret has index 1. */
export function reissue(session: RefreshSession, over: Partial<ReissueCommand> = {}): ReissueCommand {
  const former = { gen: 0, sealed: SEAL, attempt: ATTEMPT };
  const formerAttempts = [`${'A'.repeat(21)}Q`, `${'B'.repeat(21)}A`];
  return {
    sessionId: session.id,
    ifTokenHash: hashOf(1),
    ifGeneration: 1,
    ifUnconfirmed: true,
    now: at(9),
    tokenHash: hashOf('r'),
    rotatedAt: at(9),
    use: { ip: '192.0.2.3', userAgent: 'b', at: at(9) },
    expiresAt: at(3000),
    predecessors: [{ ...former, hash: hashOf(0), rotatedAt: at(1), displacedAt: at(9), formerAttempts }],
    abandoned: [
      { ...former, hash: 'A'.repeat(43), abandonedAt: at(9) },
      { ...former, gen: 1, hash: `${'A'.repeat(42)}E`, abandonedAt: at(9), formerAttempts },
    ],
    sharedUse: { generation: 2, pair: 'abcdefgh', generations: 1 },
    ...over,
  };
}

/** A session in generation 1, for `reissue`. */
export function rotatedSession(store: RefreshTokenStore, over: Partial<RefreshSession> = {}): RefreshSession {
  return newSession(store, { generation: 1, tokenHash: hashOf(1), ...over });
}
