import { ClaimReader, SESSION_ID } from './claims.js';

/** JOSE `typ` of an access token (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** Claims of an access token (RFC 9068 §2.2, and four of our own). Times are seconds since the epoch. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly aud: string;
  /** User id. */
  readonly sub: string;
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  /** Session id. */
  readonly sid: string;
  /** Generation of the session at which it was minted: its first use proves that the refresh answer arrived. */
  readonly gen: number;
  /** Token version of the user. */
  readonly ver: string;
  readonly roles: readonly string[];
}

/** The claims of a payload whose signature, issuer and audience were verified; `null` where one is missing or odd. */
export function parseAccessTokenClaims(payload: unknown): AccessTokenClaims | null {
  const read = new ClaimReader(payload);
  return read.result({
    iss: read.text('iss'),
    aud: read.text('aud'),
    sub: read.text('sub'),
    client_id: read.text('client_id'),
    iat: read.integer('iat'),
    exp: read.integer('exp'),
    jti: read.text('jti'),
    sid: read.matching('sid', SESSION_ID),
    gen: read.integer('gen'),
    ver: read.text('ver'),
    roles: read.texts('roles'),
  });
}

export interface AccessTokenTimes {
  readonly iat: number;
  readonly exp: number;
}

/** Whole seconds; an access token never outlives its session. */
export function accessTokenTimes(nowMs: number, ttlMs: number, sessionExpiresAtMs: number): AccessTokenTimes {
  const iat = Math.floor(nowMs / 1000);
  const exp = Math.min(iat + Math.round(ttlMs / 1000), Math.floor(sessionExpiresAtMs / 1000));
  return { iat, exp: Math.max(exp, iat) };
}
