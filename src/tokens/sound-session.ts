import { TRANSPORTS } from '../core/refresh-token.js';
import type { RefreshSession, SessionDevice, SessionLogin } from '../core/refresh-token.store.js';
import { isDate, isDateOrMissing, isMissing, isText, isTextOrMissing } from '../core/value-kinds.js';
import { isBytes, isObjectId } from '../database/damaged-rows.js';
import { toSession } from './mongo-refresh-token.row.js';
import type { AbandonedRow, AttemptsRow, PredecessorRow, RefreshToken } from './refresh-token.schema.js';

/** A session from its document; null if the document is damaged. Missing lists are read as empty. */
export function readSession(stored: StoredSession): RefreshSession | null {
  const { predecessors, recentUses } = stored;
  // Nearly every document has both, so it need not be copied.
  const row =
    predecessors && recentUses
      ? (stored as RefreshToken)
      : { ...stored, predecessors: predecessors ?? [], recentUses: recentUses ?? [] };
  return isSound(row) ? toSession(row) : null;
}

type StoredSession = Omit<RefreshToken, 'predecessors' | 'recentUses'> &
  Partial<Pick<RefreshToken, 'predecessors' | 'recentUses'>>;

/** Where a session began; null if the document is damaged. */
export function readLogin({ _id, createdAt, device }: RefreshToken): SessionLogin | null {
  if (!isObjectId(_id) || !isDate(createdAt) || !isDevice(device)) return null;
  const { ip, userAgent, deviceId } = device;
  return { id: _id.toHexString(), at: createdAt, ip, userAgent, deviceId };
}

function isSound(row: RefreshToken): boolean {
  const { _id, userId, tokenVersion, tokenHash, generation, transport, device } = row;
  const { rotatedAt, createdAt, lastUsedAt, expiresAt, absoluteExpiresAt, confirmedAt, revokedAt } = row;
  const { predecessors, abandoned = [], recentUses, jkt, deviceKey } = row;
  return (
    isObjectId(_id) &&
    [userId, tokenVersion, tokenHash].every((text) => typeof text === 'string') &&
    Number.isInteger(generation) &&
    TRANSPORTS.includes(transport) &&
    isDevice(device) &&
    (device.fingerprint === null || isText(device.fingerprint)) &&
    [jkt, deviceKey].every(isTextOrMissing) &&
    [rotatedAt, createdAt, lastUsedAt, expiresAt, absoluteExpiresAt].every(isDate) &&
    [confirmedAt, revokedAt].every(isDateOrMissing) &&
    isAuthentication(row) &&
    areAll(predecessors, isPredecessor) &&
    areAll(abandoned, isAbandoned) &&
    areAll(recentUses, ({ ip, userAgent, at }) => isText(ip) && isTextOrMissing(userAgent) && isDate(at))
  );
}

/** Documents of earlier versions lack these fields. */
function isAuthentication({ authTime, amr = [], remember }: RefreshToken): boolean {
  const isTimeSound = authTime === undefined || isDate(authTime);
  return isTimeSound && Array.isArray(amr) && amr.every(isText) && typeof (remember ?? false) === 'boolean';
}

/** Checks only the fields that the projection of a login may return. */
function isDevice(device: unknown): boolean {
  if (!isObject(device)) return false;
  const { ip, appId, deviceId, deviceName, userAgent } = device as Partial<SessionDevice>;
  return isText(ip) && [appId, deviceId, deviceName, userAgent].every(isTextOrMissing);
}

function isPredecessor({ hash, sealed, rotatedAt, displacedAt, ...row }: PredecessorRow): boolean {
  return isText(hash) && isText(sealed) && isDate(rotatedAt) && isDateOrMissing(displacedAt) && isFormer(row);
}

function isAbandoned({ hash, sealed, abandonedAt, ...row }: AbandonedRow): boolean {
  return isBytes(hash) && isBytes(sealed) && isDate(abandonedAt) && isFormer(row);
}

function isFormer({ gen, attempt, formerAttempts }: AttemptsRow & { gen?: number }): boolean {
  const isList =
    isMissing(formerAttempts) || (Array.isArray(formerAttempts) && formerAttempts.every(isBytes));
  return isList && (isMissing(attempt) || isBytes(attempt)) && (isMissing(gen) || Number.isInteger(gen));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function areAll<T extends object>(list: readonly T[], isGood: (item: T) => boolean): boolean {
  return Array.isArray(list) && list.every((item: T) => isObject(item) && isGood(item));
}
