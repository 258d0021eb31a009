import { createHmac, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../../core/limits.js';

/** What a mark is for. A mark of one purpose is never valid for another. */
export type MarkPurpose =
  /** The challenge of a registration. */
  | 'registration'
  /** The challenge of a renewal. */
  | 'renewal'
  /** The value of the bound cookie. */
  | 'cookie';

/**
 * How long marks are valid. Chromium signs at most six times in nine minutes per site, and renews a cookie as soon as a
 * request is made in its last two minutes: with a shorter cookie lifetime, busy tabs would exhaust that quota.
 */
export const MARK_LIFE_MS: Readonly<Record<MarkPurpose, number>> = {
  registration: 2 * MINUTE_MS,
  renewal: 2 * MINUTE_MS,
  cookie: 5 * MINUTE_MS,
};

const MAC_BYTES = 16;
const MARK = /^([0-9a-z]{1,12})\.([\w-]{22})$/;
const IDENTIFIER = /^([0-9a-f]{24})\.([\w-]{44})\.([\w-]{22})$/;

/** A signed text for one session with an expiry. Only the server can make it, and no store has to keep it. */
export function newMark(key: Uint8Array, purpose: MarkPurpose, sessionId: string, nowMs: number): string {
  const expiry = Math.floor(nowMs + MARK_LIFE_MS[purpose]).toString(36);
  return `${expiry}.${mac(key, [purpose, sessionId, expiry])}`;
}

export function isCurrentMark(
  keys: readonly Uint8Array[],
  mark: string,
  purpose: MarkPurpose,
  sessionId: string,
  nowMs: number,
): boolean {
  const [, expiry = '', signed = ''] = MARK.exec(mark) ?? [];
  if (expiry === '' || Number.parseInt(expiry, 36) <= nowMs) return false;
  return isMacOf(keys, signed, [purpose, sessionId, expiry]);
}

/** The parts of the session identifier that a browser gets at registration: the session and its key. */
export interface DeviceSession {
  readonly sessionId: string;
  /** The public key as `packKey` encodes it. */
  readonly deviceKey: string;
  /** Whether this server registered that key for that session, and still has the key that signed the identifier. */
  readonly isRegistered: boolean;
}

export function deviceSessionId(key: Uint8Array, sessionId: string, deviceKey: string): string {
  return `${sessionId}.${deviceKey}.${mac(key, ['session', sessionId, deviceKey])}`;
}

/** Null if the text is not a session identifier. */
export function parseDeviceSessionId(keys: readonly Uint8Array[], text: string): DeviceSession | null {
  const [, sessionId = '', deviceKey = '', signed = ''] = IDENTIFIER.exec(text) ?? [];
  if (sessionId === '') return null;
  return { sessionId, deviceKey, isRegistered: isMacOf(keys, signed, ['session', sessionId, deviceKey]) };
}

/** The same keys sign DPoP nonces; the prefix `device-bound` keeps the two apart. */
function mac(key: Uint8Array, parts: readonly string[]): string {
  const text = JSON.stringify(['device-bound', ...parts]);
  return createHmac('sha256', key).update(text).digest().toString('base64url', 0, MAC_BYTES);
}

function isMacOf(keys: readonly Uint8Array[], signed: string, parts: readonly string[]): boolean {
  return keys.some((key) => timingSafeEqual(Buffer.from(mac(key, parts)), Buffer.from(signed)));
}
