import { ClaimReader, type KeyConfirmation, SESSION_ID } from './claims.js';

/** JOSE `typ` of a refresh token, so it never passes as an access token or vice versa (RFC 8725 §3.11, §3.12). */
export const REFRESH_TOKEN_TYPE = 'rt+jwt';

/** How a session's refresh token travels; fixed at login. */
export type Transport = 'cookie' | 'body';
export const TRANSPORTS: readonly Transport[] = ['cookie', 'body'];

/** Claims of a refresh token. Times are seconds since the epoch. */
export interface RefreshTokenClaims {
  readonly iss: string;
  readonly aud: string;
  /** User id. */
  readonly sub: string;
  /** Session id. */
  readonly sid: string;
  readonly gen: number;
  readonly iat: number;
  readonly exp: number;
  /** Absolute expiry of the session; rotations do not change it. */
  readonly abs: number;
  /** `sid.gen`: an id that is safe to log. */
  readonly jti: string;
  /** Transport of the session: a token that is presented the other way is refused without a read of the store. */
  readonly trn: Transport;
  /** 32 random bytes, base64url. Never logged; the database holds only its hash. */
  readonly sec: string;
  /** The key that the session is bound to; absent if there is none. */
  readonly cnf?: KeyConfirmation;
  /** False if the session ends with the browser and has the shorter idle lifetime; absent otherwise. */
  readonly rem?: false;
}

const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** The audience of refresh tokens: this issuer's own token endpoint, never an API. */
export function refreshTokenAudience(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/refresh`;
}

/** The claims of a payload whose signature, issuer and audience were verified; `null` if one is missing or invalid. */
export function parseRefreshTokenClaims(payload: unknown): RefreshTokenClaims | null {
  const read = new ClaimReader(payload);
  return read.result({
    iss: read.text('iss'),
    aud: read.text('aud'),
    sub: read.text('sub'),
    sid: read.matching('sid', SESSION_ID),
    gen: read.integer('gen'),
    iat: read.integer('iat'),
    exp: read.integer('exp'),
    abs: read.integer('abs'),
    jti: read.text('jti'),
    trn: read.oneOf('trn', TRANSPORTS),
    sec: read.matching('sec', SECRET),
    ...read.confirmation(),
    ...(read.isUnset('rem') ? { rem: false as const } : {}),
  });
}

export interface RefreshTokenSubject {
  readonly sessionId: string;
  readonly userId: string;
  readonly generation: number;
  /** When this generation was made. */
  readonly rotatedAt: Date;
  readonly expiresAt: Date;
  readonly absoluteExpiresAt: Date;
  readonly transport: Transport;
  /** Thumbprint of the key that the session is bound to; null if there is none. */
  readonly jkt: string | null;
  /** Absent means true. */
  readonly remember?: false | undefined;
}

/** The claims for a session and a secret: the same input always gives the same claims. */
export function refreshTokenClaims(
  subject: RefreshTokenSubject,
  secret: string,
  issuer: string,
): RefreshTokenClaims {
  return {
    iss: issuer,
    aud: refreshTokenAudience(issuer),
    sub: subject.userId,
    sid: subject.sessionId,
    gen: subject.generation,
    iat: Math.floor(subject.rotatedAt.getTime() / 1000),
    exp: Math.floor(subject.expiresAt.getTime() / 1000),
    abs: Math.floor(subject.absoluteExpiresAt.getTime() / 1000),
    jti: `${subject.sessionId}.${subject.generation}`,
    trn: subject.transport,
    sec: secret,
    ...(subject.jkt === null ? {} : { cnf: { jkt: subject.jkt } }),
    ...(subject.remember === false ? { rem: false as const } : {}),
  };
}

/** The idle expiry after a use at `nowMs`; never later than the absolute expiry. */
export function idleExpiry(nowMs: number, idleTtlMs: number, absoluteExpiresAt: Date): Date {
  return new Date(Math.min(nowMs + idleTtlMs, absoluteExpiresAt.getTime()));
}

/** Lifetimes of sessions. */
export interface SessionLifetimes {
  readonly idleTtlMs: number;
  /** For sessions that end with the browser. */
  readonly shortIdleTtlMs: number;
  /** Whether each refresh renews the idle lifetime. */
  readonly sliding: boolean;
}

/** @param remember false for a session that ends with the browser */
export function idleTtlOf(
  { idleTtlMs, shortIdleTtlMs }: Pick<SessionLifetimes, 'idleTtlMs' | 'shortIdleTtlMs'>,
  remember: boolean | undefined,
): number {
  return remember === false ? shortIdleTtlMs : idleTtlMs;
}

/** The idle expiry that a refresh sets; null if the expiry set at login stays. */
export function renewedExpiry(
  lifetimes: SessionLifetimes,
  {
    remember,
    absoluteExpiresAt,
  }: { readonly remember?: boolean | undefined; readonly absoluteExpiresAt: Date },
  now: Date,
): Date | null {
  if (!lifetimes.sliding) return null;
  return idleExpiry(now.getTime(), idleTtlOf(lifetimes, remember), absoluteExpiresAt);
}

/** Rounded up to whole seconds, because it is compared with the token's `abs` claim. */
export function absoluteExpiry(nowMs: number, absoluteTtlMs: number): Date {
  return new Date(Math.ceil((nowMs + absoluteTtlMs) / 1000) * 1000);
}
