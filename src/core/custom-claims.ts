import type { UserRecord } from './ports.js';
import type { Transport } from './refresh-token.js';

/** Claims that a host adds to its access tokens: any JSON values. */
export type CustomClaims = Readonly<Record<string, unknown>>;

/** What the host's claims function receives about a session. */
export interface ClaimsSession {
  readonly id: string;
  readonly createdAt: Date;
  /** When the user last proved who they are. */
  readonly authTime: Date;
  /** How they did it (RFC 8176); empty if it is not known. */
  readonly amr: readonly string[];
  readonly transport: Transport;
  readonly appId: string | null;
  readonly deviceId: string | null;
  readonly deviceName: string | null;
}

/** Returns the host's own claims for one access token. */
export type MakeClaims = (user: UserRecord, session: ClaimsSession) => object | Promise<object>;

/**
 * Names that a host's claims must not use: the library's own, those with a standard meaning (RFC 7519 §4.1, RFC 8693 §4),
 * and fields of users that never leave the server.
 */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'azp', 'auth_time', 'acr', 'amr', 'act'],
  ...['may_act', 'cnf', 'sid', 'gen', 'ver', 'rol', 'roles', 'relay', 'abs', 'trn', 'sec', 'rem'],
  ...['passwordHash', 'tokenVersion', '__proto__'],
]);

export type CustomClaimsCheck = { readonly claims: CustomClaims } | { readonly problem: string };

/** A copy of what a host returned, as the token will contain it; or what is wrong with it. */
export function checkCustomClaims(given: unknown): CustomClaimsCheck {
  if (!isRecord(given)) return { problem: `returned ${nameOf(given)}: return an object, {} for no claims` };
  let claims: unknown;
  try {
    claims = JSON.parse(JSON.stringify(given));
  } catch (error) {
    return { problem: `returned what JSON cannot say (${String(error)})` };
  }
  if (!isRecord(claims)) return { problem: `returned ${nameOf(claims)}: return an object, {} for no claims` };
  const reserved = Object.keys(claims).filter((name) => RESERVED_CLAIMS.has(name));
  if (reserved.length > 0)
    return { problem: `returned reserved names: give ${reserved.join(', ')} other names` };
  return { claims };
}

/** The claims of a verified payload that are not the library's, frozen because requests share them; undefined if none. */
export function customClaimsOf(payload: Readonly<Record<string, unknown>>): CustomClaims | undefined {
  const own = Object.entries(payload).filter(([name]) => !RESERVED_CLAIMS.has(name));
  return own.length === 0 ? undefined : deepFreeze(Object.fromEntries(own));
}

function deepFreeze<T>(value: T): T {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const each = waiting.pop();
    if (typeof each !== 'object' || each === null) continue;
    Object.freeze(each);
    waiting.push(...(Object.values(each) as unknown[]));
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
