import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { CustomClaims } from '../core/custom-claims.js';
import { AuthError } from '../core/errors.js';
import { CLOCK, type Clock, type UserRecord } from '../core/ports.js';
import { absoluteExpiry, idleExpiry, idleTtlOf, type Transport } from '../core/refresh-token.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
  type SessionDevice,
} from '../core/refresh-token.store.js';
import { hashSecret, SECRET_BYTES } from '../core/successor-seal.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { ActivityReview, type LoginContext } from './activity-review.js';
import { type ClientTraits, eventSource, fingerprintsOf, useOf } from './client-traits.js';
import { HostClaims } from './host-claims.js';
import { Possession } from './possession.js';
import { SessionCap } from './session-cap.js';

export interface NewSession {
  readonly transport: Transport;
  readonly appId?: string | null | undefined;
  readonly deviceId?: string | null | undefined;
  readonly deviceName?: string | null | undefined;
  /**
   * If false, the session ends when the browser closes, and has the shorter idle lifetime (`refreshToken.shortIdleTtl`).
   * @default true
   */
  readonly rememberMe?: boolean | null | undefined;
}

/** What a new session needs in addition to its request. */
interface Beginning {
  /** How the user proved who they are (RFC 8176). */
  readonly amr: readonly string[];
  /** The session that it replaces. If that one is bound to a key, the key was proved. */
  readonly replaces?: Pick<RefreshSession, 'id' | 'jkt'>;
}

/** A live session and the secret of its current refresh token. */
export interface OpenSession {
  readonly user: UserRecord;
  readonly session: RefreshSession;
  readonly secret: string;
  /** True if a server refreshed the session on behalf of a browser. */
  readonly isRelay?: boolean;
  /** The host's own claims for its access token. */
  readonly custom?: CustomClaims | undefined;
}

/** Begins sessions. Beyond `sessions.maxPerUser`, the least recently used one ends. */
@Injectable()
export class SessionOpener {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly cap: SessionCap,
    private readonly review: ActivityReview,
    private readonly possession: Possession,
    private readonly claims: HostClaims,
  ) {}

  /**
   * Checks that such a session may begin, before anything is written.
   * @throws AuthError `VALIDATION_FAILED` for body transport, unless `refreshToken.allowBodyTransport` allows it;
   * `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  assertAllowed({ transport }: NewSession, client: ClientTraits): void {
    this.possession.keyOfNewSession(client);
    if (transport !== 'body' || this.options.refreshToken.allowBodyTransport) return;
    throw new AuthError('VALIDATION_FAILED', {
      fields: [{ field: 'transport', message: 'body transport is not allowed' }],
    });
  }

  /**
   * Checks that this request may replace a session, before anything is written: only the holder of its key may.
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  assertReplaceable({ id: sessionId, userId, jkt }: RefreshSession, client: ClientTraits): void {
    if (jkt === null) this.possession.keyOfNewSession(client);
    else this.possession.assertHolder({ userId, sessionId, jkt }, client.proof, eventSource(client));
  }

  /**
   * Checks that an access token can be made for such a session, before anything is written.
   * @throws AuthError `INTERNAL`
   */
  async rehearse(
    user: UserRecord,
    request: NewSession,
    client: ClientTraits,
    beginning: Beginning,
  ): Promise<void> {
    const { session } = this.draw(user, request, client, beginning);
    await this.claims.prepare(user, session);
  }

  /**
   * Begins a session without a login: after a registration or a password change.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE`, `INTERNAL`
   */
  async open(
    user: UserRecord,
    request: NewSession,
    client: ClientTraits,
    beginning: Beginning,
  ): Promise<OpenSession> {
    const opened = await this.create(user, request, client, beginning);
    await this.cap.makeRoom(opened.session, beginning.replaces?.id ?? null, eventSource(client));
    return opened;
  }

  /**
   * Begins a session with a login: the anomaly rules judge it, and a new device is reported.
   * @throws AuthError `SUSPICIOUS_ACTIVITY` if the policy refuses it, `TEMPORARILY_UNAVAILABLE`, `INTERNAL`
   */
  async openByLogin(
    user: UserRecord,
    request: NewSession,
    client: ClientTraits,
    login: LoginContext & Pick<Beginning, 'amr'>,
  ): Promise<OpenSession> {
    const opened = await this.create(user, request, client, { amr: login.amr });
    const logins = await this.cap.makeRoom(opened.session, null, eventSource(client));
    await this.review.reviewLogin(opened, client, login, logins);
    return opened;
  }

  private async create(
    user: UserRecord,
    request: NewSession,
    client: ClientTraits,
    beginning: Beginning,
  ): Promise<OpenSession> {
    const { session, secret } = this.draw(user, request, client, beginning);
    const custom = await this.claims.prepare(user, session);
    await this.store.create(session);
    return { user, session, secret, custom };
  }

  private draw(
    user: UserRecord,
    request: NewSession,
    client: ClientTraits,
    { amr, replaces }: Beginning,
  ): { readonly session: RefreshSession; readonly secret: string } {
    const lifetimes = this.options.refreshToken;
    const remember = request.rememberMe === false ? false : undefined;
    const now = new Date(this.clock.now());
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const absoluteExpiresAt = absoluteExpiry(now.getTime(), lifetimes.absoluteTtlMs);
    const session: RefreshSession = {
      id: this.store.newId(),
      userId: user.id,
      tokenVersion: user.tokenVersion,
      generation: 0,
      tokenHash: hashSecret(secret),
      predecessors: [],
      abandoned: [],
      rotatedAt: now,
      confirmedAt: null,
      createdAt: now,
      lastUsedAt: now,
      expiresAt: idleExpiry(now.getTime(), idleTtlOf(lifetimes, remember), absoluteExpiresAt),
      absoluteExpiresAt,
      transport: request.transport,
      authTime: now,
      amr,
      ...(remember === false ? { remember } : {}),
      jkt: replaces?.jkt ?? this.possession.keyOfNewSession(client),
      device: deviceOf(request, client),
      recentUses: [useOf(client, now)],
      sharedUse: null,
      revokedAt: null,
      revokedReason: null,
    };
    return { session, secret };
  }
}

function deviceOf(request: NewSession, client: ClientTraits): SessionDevice {
  return {
    appId: request.appId ?? null,
    deviceId: request.deviceId ?? null,
    deviceName: request.deviceName ?? null,
    ...eventSource(client),
    fingerprint: fingerprintsOf(client)[0] ?? null,
  };
}
