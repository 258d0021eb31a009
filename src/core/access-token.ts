import { type Actor, ClaimReader, type KeyConfirmation, SESSION_ID } from './claims.js';
import { type CustomClaims, customClaimsOf } from './custom-claims.js';

/** JOSE `typ` of an access token (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** Claims of an access token: those of RFC 9068 §2.2 and the library's own. Times are seconds since the epoch. */
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
  /** Generation of the session that this token was minted in: its first use proves that the answer to the refresh arrived. */
  readonly gen: number;
  /** Token version of the user. */
  readonly ver: string;
  readonly roles: readonly string[];
  /** Version of the user's roles; absent if they never changed. */
  readonly rol?: string;
  /** Absent if the token is not bound to a key. */
  readonly cnf?: KeyConfirmation;
  /** Minted for a server on behalf of a browser: its use proves nothing about the browser's cookie. */
  readonly relay?: true;
  /** When the user last proved who they are; absent in tokens of earlier versions. */
  readonly auth_time?: number;
  /** How they did it (RFC 8176); absent if it is not known. */
  readonly amr?: readonly string[];
  /** Who acts for the user (RFC 8693 §4.1); absent if the user does. */
  readonly act?: Actor;
  /** The host's own claims, at the top level of the payload; absent if there are none. */
  readonly custom?: CustomClaims;
}

/** The claims of a payload whose signature, issuer and audience were verified; `null` if one is missing or invalid. */
export function parseAccessTokenClaims(payload: unknown): AccessTokenClaims | null {
  const read = new ClaimReader(payload);
  const custom = customClaimsOf(Object(payload) as Record<string, unknown>);
  return read.result({ ...readClaims(read), ...(custom ? { custom } : {}) });
}

/** The payload from which {@link parseAccessTokenClaims} reads these claims. */
export function accessTokenPayload({ custom, ...own }: AccessTokenClaims): object {
  return { ...custom, ...own };
}

/** The first claim for which guards would refuse the payload; null if they accept it. */
export function oddClaim(payload: unknown): string | null {
  const read = new ClaimReader(payload);
  readClaims(read);
  return read.refused;
}

/** The library's own claims. */
function readClaims(read: ClaimReader): Omit<AccessTokenClaims, 'custom'> {
  return {
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
    ...read.optionalText('rol'),
    ...read.confirmation(),
    ...(read.isSet('relay') ? { relay: true as const } : {}),
    ...(read.has('auth_time') ? { auth_time: read.integer('auth_time') } : {}),
    ...(read.has('amr') ? { amr: read.texts('amr') } : {}),
    ...read.actor(),
  };
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
