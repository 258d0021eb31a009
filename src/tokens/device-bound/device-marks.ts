import { createHmac, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../../core/limits.js';

/** What a mark is for. One purpose's mark is never good for another. */
export type MarkPurpose =
  /** The challenge of a registration. */
  | 'registration'
  /** The challenge of a renewal. */
  | 'renewal'
  /** The value of the bound cookie. */
  | 'cookie';

/**
 * How long marks are good. Chromium signs at most six times in nine minutes for a site, and renews a cookie that a request
 * finds in its last two minutes: with a shorter life of the cookie, busy tabs would use that up.
 */
export const MARK_LIFE_MS: Readonly<Record<MarkPurpose, number>> = {
  registration: 2 * MINUTE_MS,
  renewal: 2 * MINUTE_MS,
  cookie: 5 * MINUTE_MS,
};

const MAC_BYTES = 16;
const MARK = /^([0-9a-z]{1,12})\.([\w-]{22})$/;
const IDENTIFIER = /^([0-9a-f]{24})\.([\w-]{44})\.([\w-]{22})$/;

/** A text that only the server can make, for one session and for a while; no store has to remember it. */
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

/** What a browser calls its session from the registration on: the session and its key. */
export interface DeviceSession {
  readonly sessionId: string;
  /** Packed. */
  readonly deviceKey: string;
  /** Whether this server registered that key for that session, under a key that it still has. */
  readonly isRegistered: boolean;
}

export function deviceSessionId(key: Uint8Array, sessionId: string, deviceKey: string): string {
  return `${sessionId}.${deviceKey}.${mac(key, ['session', sessionId, deviceKey])}`;
}

/** Null for a text that is none. */
export function parseDeviceSessionId(keys: readonly Uint8Array[], text: string): DeviceSession | null {
  const [, sessionId = '', deviceKey = '', signed = ''] = IDENTIFIER.exec(text) ?? [];
  if (sessionId === '') return null;
  return { sessionId, deviceKey, isRegistered: isMacOf(keys, signed, ['session', sessionId, deviceKey]) };
}

/** The keys make the nonces of proofs as well, of which none begins like this. */
function mac(key: Uint8Array, parts: readonly string[]): string {
  const text = JSON.stringify(['device-bound', ...parts]);
  return createHmac('sha256', key).update(text).digest().toString('base64url', 0, MAC_BYTES);
}

function isMacOf(keys: readonly Uint8Array[], signed: string, parts: readonly string[]): boolean {
  return keys.some((key) => timingSafeEqual(Buffer.from(mac(key, parts)), Buffer.from(signed)));
}
