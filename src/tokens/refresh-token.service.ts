import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { hashAttempt } from '../core/attempt.js';
import type { CustomClaims } from '../core/custom-claims.js';
import { AuthError } from '../core/errors.js';
import type { EventSource } from '../core/events.js';
import { CLOCK, type Clock, USER_STORE, type UserRecord, type UserStore } from '../core/ports.js';
import { type RefreshTokenClaims, renewedExpiry } from '../core/refresh-token.js';
import {
  type LiveSessionCount,
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
  type RotationCommand,
} from '../core/refresh-token.store.js';
import { decideRotation, type RotationDecision, type RotationPolicy } from '../core/rotation.js';
import { hashSecret, NONCE_BYTES, sealSuccessor, SECRET_BYTES } from '../core/successor-seal.js';
import { StandstillWatch } from '../database/standstill-watch.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { type ClientTraits, eventSource, fingerprintsOf, type RequestProof, useOf } from './client-traits.js';
import { DeviceBinding } from './device-bound/device-binding.js';
import { HostClaims } from './host-claims.js';
import { type KeyHolder, Possession } from './possession.js';
import type { RefreshFields, RefreshRequest } from './refresh-request.js';
import { RotationOutcomes } from './rotation-outcomes.js';
import type { OpenSession } from './session-opener.js';
import { SessionReissue } from './session-reissue.js';

/** Maximum retries when a concurrent retry of the same client wins the compare-and-set. */
const MAX_RETRIES = 2;

/** The state when a refresh arrives, before the first store operation. */
interface Arrival {
  readonly at: number;
  readonly isAfterStandstill: boolean;
}

/**
 * Rotation of refresh tokens: one document per session, one successor per token, never a fork. The pure function
 * `decideRotation` decides; this service calls the store, and `RotationOutcomes` applies the decision.
 */
@Injectable()
export class RefreshTokenService {
  /** The configured rotation policy. */
  readonly policy: RotationPolicy;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(USER_STORE) private readonly users: UserStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly standstill: StandstillWatch,
    private readonly outcomes: RotationOutcomes,
    private readonly reissue: SessionReissue,
    private readonly possession: Possession,
    private readonly hostClaims: HostClaims,
    private readonly devices: DeviceBinding,
  ) {
    const { gracePeriodMs, lostResponseWindowMs } = options.refreshToken;
    this.policy = { gracePeriodMs, lostResponseWindowMs, fingerprintMode: options.fingerprint.mode };
  }

  /**
   * Exchanges a refresh token with a verified signature for the current one of its session.
   * @throws AuthError `REFRESH_TOKEN_EXPIRED`, `…_UNKNOWN`, `…_REUSED`, `SESSION_REVOKED`, `SUSPICIOUS_ACTIVITY`,
   * `REFRESH_SUPERSEDED`, `REFRESH_CONTESTED`, `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`, `TEMPORARILY_UNAVAILABLE`,
   * `INTERNAL` (`accessToken.claims` failed; nothing was rotated)
   */
  async refresh(
    token: RefreshTokenClaims,
    client: ClientTraits,
    { attempt, previous, relay }: RefreshFields = {},
  ): Promise<OpenSession> {
    const proof = this.possession.assertHolder(holderOf(token), client.proof, eventSource(client));
    const arrival: Arrival = { at: this.clock.now(), isAfterStandstill: this.isAfterStandstill };
    // In parallel with the rotation: a refresh costs one latency.
    const owner = this.users.findById(token.sub);
    owner.catch(() => undefined);
    // Before any write: if the host's function fails, no token has been rotated.
    const custom = this.hostClaims.areGiven ? await this.prepareClaims(token, owner) : undefined;
    const marks = {
      custom,
      attempt: attempt ? hashAttempt(attempt) : null,
      previous: attempt && previous ? hashAttempt(previous) : null,
      isRelay: relay === true && this.options.refreshToken.allowRelay,
      proof,
    };
    // One `randomBytes` call: the call costs more than the bytes.
    const random = randomBytes(SECRET_BYTES + NONCE_BYTES);
    const nextSecret = random.toString('base64url', 0, SECRET_BYTES);
    const sealed = sealSuccessor(token.sec, nextSecret, token.sid, random.subarray(SECRET_BYTES));
    for (let retries = 0; retries <= MAX_RETRIES; retries += 1) {
      // An expired token is not rotated. The session still shows whether it was replaced in time or stolen.
      const isRotatable = !this.isExpired(token) && !client.hasHungUp?.();
      const command = () => this.rotation(token, client, { nextSecret, sealed, ...marks });
      const rotated = isRotatable ? await this.store.rotate(command()) : null;
      const request: RefreshRequest = { token, client, owner: await owner, ...marks };
      if (rotated) return this.outcomes.rotated(request, rotated, nextSecret);
      const settled = await this.settle(request, arrival);
      if (settled) return settled;
    }
    return this.outcomes.contended({ token, client, owner: await owner, ...marks });
  }

  /**
   * Requires a proof of the session's key if the session is bound; before anything is read or written.
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  assertHolder(token: BoundClaims, proof: RequestProof | undefined, source: EventSource | null): void {
    this.possession.assertHolder(holderOf(token), proof, source);
  }

  /** Live sessions of a user, latest use first. */
  async list(userId: string): Promise<RefreshSession[]> {
    return this.store.findLive(userId, new Date(this.clock.now()));
  }

  /** A session as the store keeps it (for the server only: it contains hashes and seals); null if it is unknown or has ended. */
  async findLive(sessionId: string): Promise<RefreshSession | null> {
    const session = await this.store.findById(sessionId);
    return session && !session.revokedAt && session.expiresAt.getTime() > this.clock.now() ? session : null;
  }

  /** How many sessions of all users are live now; reads at most `limit` unexpired sessions. */
  async countLive(limit: number): Promise<LiveSessionCount> {
    return this.store.countLive(new Date(this.clock.now()), limit);
  }

  /** Undefined if the refresh is about to be refused. */
  private async prepareClaims(
    token: RefreshTokenClaims,
    owner: Promise<UserRecord | null>,
  ): Promise<CustomClaims | undefined> {
    const [user, session] = await Promise.all([owner, this.store.findById(token.sid)]);
    const isLive = user && !user.disabledAt && session && !session.revokedAt;
    return isLive ? this.hostClaims.prepare(user, session) : undefined;
  }

  private rotation(
    token: RefreshTokenClaims,
    client: ClientTraits,
    next: { readonly nextSecret: string; readonly sealed: string } & Pick<
      RefreshRequest,
      'attempt' | 'proof'
    >,
  ): RotationCommand {
    const now = new Date(this.clock.now());
    const absoluteExpiresAt = new Date(token.abs * 1000);
    const hash = hashSecret(token.sec);
    const { nextSecret, sealed, attempt, proof } = next;
    return {
      sessionId: token.sid,
      ifTokenHash: hash,
      ifAbsoluteExpiresAt: absoluteExpiresAt,
      ...(this.devices.mustBeUnbound(token.sid, client) ? { ifUnbound: true } : {}),
      now,
      tokenHash: hashSecret(nextSecret),
      rotatedAt: this.store.readTime ? null : now,
      predecessor: { hash, gen: token.gen, sealed, rotatedAt: now, attempt, displacedAt: null },
      use: useOf(client, now, proof),
      expiresAt: renewedExpiry(this.options.refreshToken, { remember: token.rem, absoluteExpiresAt }, now),
    };
  }

  /** Reads the clock that wrote the session's times. */
  private readTime(): Promise<number> | number {
    return this.store.readTime?.() ?? this.clock.read?.() ?? this.clock.now();
  }

  /** Decides why the compare-and-set matched nothing. Null means: try again. */
  private async settle(request: RefreshRequest, arrival: Arrival): Promise<OpenSession | null> {
    const { token, client, attempt, previous } = request;
    // A request that waited long for the database is judged by its arrival time: its client may have retried since.
    const waitedMs = Math.max(0, this.clock.now() - arrival.at);
    const [session, nowMs] = await Promise.all([this.store.findById(token.sid), this.readTime()]);
    const now = new Date(nowMs);
    if (session && hasUsed(session, request.proof))
      this.possession.refuseReplayed(holderOf(token), eventSource(client));
    // A session that expired while the request waited counts as expired.
    const at = session && session.expiresAt <= now ? now : new Date(nowMs - waitedMs);
    const presented = {
      secret: token.sec,
      gen: token.gen,
      fingerprints: fingerprintsOf(client),
      attempt,
      previous,
      hasHungUp: client.hasHungUp?.() ?? false,
      // The standstill may also have happened while the request waited for the database.
      isAfterStandstill: arrival.isAfterStandstill || this.isAfterStandstill,
    };
    const state = session && { ...session, fingerprint: session.device.fingerprint };
    const decision = decideRotation(state, presented, at, this.policy);
    if (decision.outcome === 'dropped') return this.outcomes.dropped(request);
    if (decision.outcome === 'unknown' || !session)
      return this.isExpired(token) ? this.outcomes.expired(request) : this.outcomes.unknown(request);
    // A session that has ended needs no proof; any other one does not change without it.
    if (!this.isOver(token, decision)) this.devices.assertProven(session, client);
    return this.carryOut(request, session, decision, now);
  }

  private isOver(token: RefreshTokenClaims, { outcome }: RotationDecision): boolean {
    const isRetryOfExpired = outcome === 'retry' && this.isExpired(token);
    return outcome === 'revoked' || outcome === 'expired' || isRetryOfExpired;
  }

  private async carryOut(
    request: RefreshRequest,
    session: RefreshSession,
    decision: Exclude<RotationDecision, { readonly outcome: 'unknown' | 'dropped' }>,
    now: Date,
  ): Promise<OpenSession | null> {
    switch (decision.outcome) {
      case 'revoked':
        return this.outcomes.revoked(request, decision.reason);
      case 'expired':
        return this.outcomes.expired(request);
      case 'retry':
        if (this.isExpired(request.token)) return this.outcomes.expired(request);
        assertIssued(request.token, session);
        return null;
      case 'replay':
        return this.outcomes.replayed(request, session, decision);
      case 'superseded':
        return this.outcomes.superseded(request, session);
      case 'contested':
        return this.outcomes.contested(request, session);
      case 'healed':
      case 'displaced':
      case 'recovered':
        return this.reissue.carryOut(request, session, decision, now);
      case 'restored':
        return this.outcomes.restored(request, session, decision.evidence);
      case 'postponed':
        return this.outcomes.postponed(request);
      case 'reuse':
        return this.outcomes.reused(request, session, decision.evidence);
    }
  }

  private get isAfterStandstill(): boolean {
    return this.standstill.isFreshlyThawed || (this.clock.isInDoubt ?? false);
  }

  private isExpired(token: RefreshTokenClaims): boolean {
    return this.clock.now() >= token.exp * 1000;
  }
}

/** The claims that bind a token to a key. */
type BoundClaims = Pick<RefreshTokenClaims, 'sub' | 'sid' | 'cnf'>;

function holderOf({ sub, sid, cnf }: BoundClaims): KeyHolder {
  return { userId: sub, sessionId: sid, jkt: cnf?.jkt ?? null };
}

/** Whether an earlier use of the session, in any process, had this proof. */
function hasUsed({ recentUses }: RefreshSession, proof: string | null): boolean {
  return proof !== null && recentUses.some((use) => use.proof === proof);
}

/** Refuses the current secret with another absolute expiry: this service never issued such a token. */
function assertIssued({ abs }: RefreshTokenClaims, { absoluteExpiresAt }: RefreshSession): void {
  if (absoluteExpiresAt.getTime() !== abs * 1000) throw new AuthError('REFRESH_TOKEN_INVALID');
}
