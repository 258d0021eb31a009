import { createHmac, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import {
  type AccessTokenClaims,
  accessTokenPayload,
  accessTokenTimes,
  oddClaim,
} from '../core/access-token.js';
import { isSameText } from '../core/base64url.js';
import type { Actor } from '../core/claims.js';
import type { CustomClaims } from '../core/custom-claims.js';
import { AuthError } from '../core/errors.js';
import { MAX_TOKEN_LENGTH, MINUTE_MS } from '../core/limits.js';
import { CLOCK, type Clock, type UserRecord } from '../core/ports.js';
import {
  parseRefreshTokenClaims,
  refreshTokenAudience,
  type RefreshTokenClaims,
  refreshTokenClaims,
} from '../core/refresh-token.js';
import type { RefreshSession } from '../core/refresh-token.store.js';
import { oddRecord } from '../core/user-record.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { KeyRing, type SigningKey, type TokenKind } from './keys/key-ring.js';
import { TokenVerifier } from './token-verifier.js';

/** Maximum lifetime of a token with which an administrator acts for a user. */
const ACTING_MS = 15 * MINUTE_MS;

export interface SignedToken {
  readonly token: string;
  /** Seconds until it expires. */
  readonly expiresIn: number;
}

/** How a client presents an access token: by itself (`Bearer`), or with a proof of its key (`DPoP`, RFC 9449 §7.1). */
export type AccessTokenScheme = 'Bearer' | 'DPoP';

export interface SignedAccessToken extends SignedToken {
  readonly scheme: AccessTokenScheme;
}

/** Input for an access token that is not part of the session. */
export interface AccessTokenTraits {
  /** True if the token is for a server that acts on behalf of a browser. */
  readonly isRelay?: boolean | undefined;
  /** The host's own claims. */
  readonly custom?: CustomClaims | undefined;
  /** Who acts for the user. The session is the actor's, and the token lives for at most fifteen minutes. */
  readonly actor?: Pick<UserRecord, 'id' | 'rolesVersion'> | undefined;
}

/** Signs and verifies both kinds of token. */
@Injectable()
export class TokenSigner extends TokenVerifier {
  private readonly refreshAudience: string;

  constructor(
    @Inject(AUTH_OPTIONS) protected override readonly options: ResolvedAuthOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly keyRing: KeyRing,
    jwt: JwtService,
  ) {
    super(options, keyRing, jwt);
    this.refreshAudience = refreshTokenAudience(options.issuer);
  }

  /**
   * @throws AuthError `INTERNAL` if this service's own guards would refuse the token; `detail` says why
   */
  signAccessToken(
    user: UserRecord,
    session: RefreshSession,
    traits: AccessTokenTraits = {},
  ): SignedAccessToken {
    const odd = oddRecord(user);
    if (odd !== null) throw refusedMint(`the user store returned user ${String(user.id)}: ${odd}`);
    const claims = this.accessTokenClaims(user, session, traits);
    const payload = accessTokenPayload(claims);
    const name = oddClaim(payload);
    if (name !== null)
      throw refusedMint(`the claim ${name} of an access token for user ${user.id} is invalid`);
    const token = this.sign('access', payload);
    if (token.length > MAX_TOKEN_LENGTH) throw tooLong(token, user, traits.custom);
    return { token, expiresIn: claims.exp - claims.iat, scheme: claims.cnf ? 'DPoP' : 'Bearer' };
  }

  private accessTokenClaims(
    user: UserRecord,
    session: RefreshSession,
    { isRelay = false, actor, custom }: AccessTokenTraits,
  ): AccessTokenClaims {
    const { ttlMs, ttlByAppMs, senderConstraint } = this.options.accessToken;
    const ownLifeMs = ttlByAppMs.get(session.device.appId ?? '') ?? ttlMs;
    const lifeMs = actor ? Math.min(ownLifeMs, ACTING_MS) : ownLifeMs;
    const times = accessTokenTimes(this.clock.now(), lifeMs, session.expiresAt.getTime());
    const cnf = senderConstraint === 'on' && session.jkt !== null ? { jkt: session.jkt } : null;
    return {
      iss: this.options.issuer,
      aud: this.options.audience,
      sub: user.id,
      client_id: this.options.audience,
      ...times,
      jti: randomUUID(),
      sid: session.id,
      gen: session.generation,
      ver: user.tokenVersion,
      roles: user.roles,
      ...(user.rolesVersion ? { rol: user.rolesVersion } : {}),
      ...(cnf ? { cnf } : {}),
      ...(isRelay ? { relay: true as const } : {}),
      ...(actor ? { act: actorClaim(actor) } : authenticationOf(session)),
      ...(custom ? { custom } : {}),
    };
  }

  /** Deterministic: the same session and secret give the same token, so a replay returns the token of the lost response. */
  signRefreshToken(session: RefreshSession, secret: string): SignedToken {
    const claims = refreshTokenClaims({ ...session, sessionId: session.id }, secret, this.options.issuer);
    const expiresIn = Math.max(0, claims.exp - Math.floor(this.clock.now() / 1000));
    return { token: this.sign('refresh', claims), expiresIn };
  }

  override verifyRefreshToken(token: string): RefreshTokenClaims | null {
    return this.recognizeRefreshToken(token) ?? super.verifyRefreshToken(token);
  }

  /**
   * The claims of a refresh token that this ring has signed by HMAC, expired or not; null leaves the verdict to the library.
   * One HMAC over the bytes that came: the library decodes and checks a token for longer than that takes.
   */
  recognizeRefreshToken(token: string): RefreshTokenClaims | null {
    const parts = token.length <= MAX_TOKEN_LENGTH ? token.split('.', 4) : [];
    const [header = '', payload = '', signature = ''] = parts;
    const key = parts.length === 3 ? this.keyRing.hmacKeyOf('refresh', header) : null;
    if (!key || !isSameText(signature, hmacOf(`${header}.${payload}`, key))) return null;
    const content = contentOf(payload);
    const claims = parseRefreshTokenClaims(content);
    if (!claims || claims.iss !== this.options.issuer || claims.aud !== this.refreshAudience) return null;
    // No token of this service has it.
    return Object.hasOwn(content as object, 'nbf') ? null : claims;
  }

  private sign(kind: TokenKind, claims: object): string {
    const signer = this.keyRing.signingKey(kind);
    if (signer.key.type === 'secret') return signByHmac(claims, signer);
    const { kid, alg, key } = signer;
    const header = { alg, typ: this.keyRing.typeOf(kind), kid };
    return this.jwt.sign(claims, { privateKey: key, algorithm: alg, header });
  }
}

/** When and how the owner of a session proved who they are. */
function authenticationOf({
  createdAt,
  authTime = createdAt,
  amr = [],
}: RefreshSession): Pick<AccessTokenClaims, 'auth_time' | 'amr'> {
  return { auth_time: Math.floor(authTime.getTime() / 1000), ...(amr.length > 0 ? { amr } : {}) };
}

function actorClaim({ id, rolesVersion }: Pick<UserRecord, 'id' | 'rolesVersion'>): Actor {
  return { sub: id, ...(rolesVersion ? { rol: rolesVersion } : {}) };
}

/** A token that the guards would refuse is never issued. */
function refusedMint(detail: string): AuthError {
  return new AuthError('INTERNAL', { detail });
}

function tooLong(token: string, { id, roles }: UserRecord, custom: CustomClaims = {}): AuthError {
  const bytes = (value: object) => Buffer.byteLength(JSON.stringify(value));
  return refusedMint(
    `an access token for user ${id} would have ${token.length} characters, more than ${MAX_TOKEN_LENGTH}: ` +
      `${roles.length} roles take ${bytes(roles)} bytes, the claims of accessToken.claims ${bytes(custom)}; ` +
      'give fewer or shorter ones, and look up the rest by the user id',
  );
}

/** A compact JWS (RFC 7515 §5.1). jsonwebtoken takes twice the time, and each refresh signs two tokens. */
function signByHmac(claims: object, signer: SigningKey): string {
  const signingInput = `${signer.header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${signingInput}.${hmacOf(signingInput, signer)}`;
}

function hmacOf(signingInput: string, { alg, key }: Pick<SigningKey, 'alg' | 'key'>): string {
  return createHmac(alg.replace('HS', 'sha'), key).update(signingInput).digest('base64url');
}

function contentOf(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
