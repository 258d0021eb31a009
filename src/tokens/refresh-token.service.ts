import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import type { EarlierTokenEvent } from '../core/events.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { Clock, UserRecord } from '../core/ports.js';
import {
  absoluteExpiry,
  idleExpiry,
  type RefreshTokenClaims,
  type Transport,
} from '../core/refresh-token.js';
import { decideRotation, type ReuseEvidence, type RotationPolicy } from '../core/rotation.js';
import { hashSecret, NONCE_BYTES, sealSuccessor, SECRET_BYTES } from '../core/successor-seal.js';
import { CLOCK } from '../database/database.module.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { UsersService } from '../users/users.service.js';
import { type ClientTraits, sourceOf, useOf } from './client-traits.js';
import { DeviceRecognizer } from './device-recognizer.js';
import { earlierToken, subject } from './refresh-events.js';
import {
  type LiveSessionCount,
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
  type RotationCommand,
  type SessionDevice,
} from './refresh-token.store.js';
import { SessionAdmission } from './session-admission.js';
import { SessionTerminator } from './session-terminator.js';

export interface NewSession {
  readonly transport: Transport;
  readonly appId?: string | null | undefined;
  readonly deviceId?: string | null | undefined;
  readonly deviceName?: string | null | undefined;
}

/** What is known of a login with the right password. */
export interface LoginCircumstances {
  /** Wrong passwords from the same origin before it. */
  readonly failedAttempts: number;
  /** The device carries the account's cookie, of a login under its present token version. */
  readonly isKnownDevice: boolean;
}

/** A live session and the secret of its current refresh token. */
export interface OpenSession {
  readonly user: UserRecord;
  readonly session: RefreshSession;
  readonly secret: string;
}

/** A compare-and-set that loses to a retry of the same client is run again so often. */
const MAX_RETRIES = 2;

/**
 * Rotation of refresh tokens: one document per session, one successor per token, never a fork. The decision is the
 * pure `decideRotation`; this service asks the store, applies what was decided and tells of it.
 */
@Injectable()
export class RefreshTokenService {
  /** The rule by which it decides, as configured. */
  readonly policy: RotationPolicy;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly users: UsersService,
    private readonly terminator: SessionTerminator,
    private readonly revocations: RevocationService,
    private readonly events: AuthEventBus,
    private readonly admission: SessionAdmission,
    private readonly devices: DeviceRecognizer,
  ) {
    const { gracePeriodMs, lostResponseWindowMs } = options.refreshToken;
    this.policy = { gracePeriodMs, lostResponseWindowMs, fingerprintMode: options.fingerprint.mode };
  }

  /**
   * Begins a session, in place of the one it `replaces`; beyond `sessions.maxPerUser` the one unused longest ends.
   * @param login null where it is none
   * @throws AuthError `SUSPICIOUS_ACTIVITY` for a login, where the policy refuses it; `TEMPORARILY_UNAVAILABLE`
   */
  async open(
    user: UserRecord,
    request: NewSession,
    client: ClientTraits,
    replaces: string | null = null,
    login: LoginCircumstances | null = null,
  ): Promise<OpenSession> {
    const { idleTtlMs, absoluteTtlMs } = this.options.refreshToken;
    const now = new Date(this.clock.now());
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const absoluteExpiresAt = absoluteExpiry(now.getTime(), absoluteTtlMs);
    const session: RefreshSession = {
      id: this.store.newId(),
      userId: user.id,
      tokenVersion: user.tokenVersion,
      generation: 0,
      tokenHash: hashSecret(secret),
      predecessors: [],
      rotatedAt: now,
      confirmedAt: null,
      recoveredAt: null,
      createdAt: now,
      lastUsedAt: now,
      expiresAt: idleExpiry(now.getTime(), idleTtlMs, absoluteExpiresAt),
      absoluteExpiresAt,
      transport: request.transport,
      device: deviceOf(request, client),
      recentUses: [useOf(client, now)],
      revokedAt: null,
      revokedReason: null,
    };
    await this.store.create(session);
    // After the insert, so that of several logins at once each sees the others.
    if (replaces !== null) await this.terminator.end(user.id, [replaces], 'replaced', sourceOf(client));
    const logins = await this.store.findLogins(user.id, now);
    const beyond = logins.slice(this.options.sessions.maxPerUser).map(({ id }) => id);
    // Whatever another process' clock says, the session just begun is not the one unused longest.
    const evicted = beyond.filter((id) => id !== session.id);
    await this.terminator.end(user.id, evicted, 'evicted', sourceOf(client));
    if (login) {
      await this.admission.judgeLogin(session, client, login.failedAttempts, logins);
      if (!login.isKnownDevice) this.devices.examine(session, user, logins, sourceOf(client));
    }
    return { user, session, secret };
  }

  /**
   * Exchanges a refresh token, whose signature was verified, for the current one of its session.
   * @throws AuthError `REFRESH_TOKEN_EXPIRED`, `…_UNKNOWN`, `…_REUSED`, `SESSION_REVOKED`, `SUSPICIOUS_ACTIVITY`,
   * `TEMPORARILY_UNAVAILABLE`
   */
  async refresh(token: RefreshTokenClaims, client: ClientTraits): Promise<OpenSession> {
    // Of one draw: asking for randomness costs more than getting it.
    const random = randomBytes(SECRET_BYTES + NONCE_BYTES);
    const nextSecret = random.toString('base64url', 0, SECRET_BYTES);
    const sealed = sealSuccessor(token.sec, nextSecret, token.sid, random.subarray(SECRET_BYTES));
    // A request that then waits long for the database is judged by when it came: its client has asked again meanwhile.
    const arrivedAt = new Date(this.clock.now());
    // Side by side, not one after the other: a refresh costs one latency.
    const owner = this.users.findById(token.sub);
    owner.catch(() => undefined);
    for (let attempt = 0; attempt <= MAX_RETRIES; attempt += 1) {
      // An expired token rotates nothing; whether it was replaced in time, or stolen, the session still tells.
      const rotated = this.isExpired(token)
        ? null
        : await this.store.rotate(this.rotation(token, nextSecret, sealed, client));
      if (rotated) {
        const user = await this.admission.admit(rotated, await owner, token, client, {
          outcome: 'rotated',
          // The update has added this use already.
          earlierUses: rotated.recentUses.slice(0, -1),
        });
        await this.retirePrevious(rotated);
        void this.events.emit('refresh_token.rotated', { ...subject(rotated), source: sourceOf(client) });
        return { user, session: rotated, secret: nextSecret };
      }
      const settled = await this.settle(token, await owner, client, arrivedAt);
      if (settled) return settled;
    }
    this.admission.tellRefusal(token, client, 'contended');
    throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'a rotation kept losing its compare-and-set' });
  }

  /** Live sessions of a user, latest use first. */
  async list(userId: string): Promise<RefreshSession[]> {
    return this.store.findLive(userId, new Date(this.clock.now()));
  }

  /** A session as the store keeps it (for the server alone: it holds hashes and seals); null where it is unknown or over. */
  async findLive(sessionId: string): Promise<RefreshSession | null> {
    const session = await this.store.findById(sessionId);
    return session && !session.revokedAt && session.expiresAt.getTime() > this.clock.now() ? session : null;
  }

  /** How many sessions are live now, of all users; it looks at `limit` that have not expired and at no more. */
  async countLive(limit: number): Promise<LiveSessionCount> {
    return this.store.countLive(new Date(this.clock.now()), limit);
  }

  /**
   * Whether the user had a session on the device, living or not, that the store still remembers.
   * @param tokenVersion where only those count that began under it
   */
  async knowsDevice(userId: string, deviceId: string, tokenVersion?: string): Promise<boolean> {
    return this.store.hasDevice(userId, deviceId, tokenVersion);
  }

  private rotation(
    token: RefreshTokenClaims,
    nextSecret: string,
    sealed: string,
    client: ClientTraits,
  ): RotationCommand {
    const now = new Date(this.clock.now());
    const { sliding, idleTtlMs } = this.options.refreshToken;
    const absoluteExpiresAt = new Date(token.abs * 1000);
    const tokenHash = hashSecret(token.sec);
    return {
      sessionId: token.sid,
      ifTokenHash: tokenHash,
      ifAbsoluteExpiresAt: absoluteExpiresAt,
      now,
      tokenHash: hashSecret(nextSecret),
      predecessor: { hash: tokenHash, sealed, rotatedAt: now },
      use: useOf(client, now),
      expiresAt: sliding ? idleExpiry(now.getTime(), idleTtlMs, absoluteExpiresAt) : null,
    };
  }

  /** The compare-and-set found nothing: decide why. Null asks for another attempt. */
  private async settle(
    token: RefreshTokenClaims,
    owner: UserRecord | null,
    client: ClientTraits,
    arrivedAt: Date,
  ): Promise<OpenSession | null> {
    const session = await this.store.findById(token.sid);
    const state = session && { ...session, fingerprint: session.device.fingerprint };
    const presented = { secret: token.sec, gen: token.gen, fingerprints: client.fingerprints };
    const now = new Date(this.clock.now());
    // A session that expired while the request waited has expired.
    const at = session && session.expiresAt <= now ? now : arrivedAt;
    const decision = decideRotation(state, presented, at, this.policy);
    if (decision.outcome === 'unknown' || !session) {
      const isExpired = this.isExpired(token);
      this.admission.tellRefusal(token, client, isExpired ? 'session_expired' : 'session_unknown');
      throw new AuthError(isExpired ? 'REFRESH_TOKEN_EXPIRED' : 'REFRESH_TOKEN_UNKNOWN');
    }

    const seen = earlierToken(session, token, sourceOf(client));
    switch (decision.outcome) {
      case 'revoked':
        this.admission.tellRefusal(token, client, 'session_revoked', decision.reason);
        // A change of password ended it: the client's cookie holds the new session's token, or is about to.
        throw new AuthError('SESSION_REVOKED', {
          keepsCookie: decision.reason === 'replaced' || decision.reason === 'token_version_retired',
        });
      case 'expired':
        this.admission.tellRefusal(token, client, 'session_expired');
        throw new AuthError('REFRESH_TOKEN_EXPIRED');
      case 'retry':
        // The current secret under another absolute expiry: never issued by this service.
        if (this.isExpired(token)) {
          this.admission.tellRefusal(token, client, 'session_expired');
          throw new AuthError('REFRESH_TOKEN_EXPIRED');
        }
        if (session.absoluteExpiresAt.getTime() !== token.abs * 1000)
          throw new AuthError('REFRESH_TOKEN_INVALID');
        return null;
      case 'replay': {
        const user = await this.admission.admit(session, owner, token, client, {
          outcome: 'replayed',
          earlierUses: session.recentUses,
        });
        await this.retirePrevious(session);
        void this.events.emit('refresh_token.replayed', seen);
        return { user, session, secret: decision.secret };
      }
      case 'recovered': {
        const user = await this.admission.admit(session, owner, token, client, {
          outcome: 'recovered',
          earlierUses: session.recentUses,
          isRepeatedRecovery: decision.repeated,
        });
        await this.store.markRecovered(session.id, session.generation, now);
        await this.retirePrevious(session);
        void this.events.emit('refresh_token.recovered', { ...seen, repeated: decision.repeated });
        return { user, session, secret: decision.secret };
      }
      case 'restored':
        void this.events.emit('refresh_token.restored', { ...seen, evidence: decision.evidence });
        throw new AuthError('REFRESH_TOKEN_UNKNOWN');
      case 'reuse':
        return this.refuseReuse(session, seen, decision.evidence);
    }
  }

  /** At every answer, not the rotation's alone: that one may have failed after the update. */
  private async retirePrevious({ id, generation }: RefreshSession): Promise<void> {
    await this.revocations.retireGeneration(id, generation - 1);
  }

  private isExpired(token: RefreshTokenClaims): boolean {
    return this.clock.now() >= token.exp * 1000;
  }

  /** Those of the owner; where the store does not say, the one that is known. */
  private async liveSessionIds({ id, userId }: RefreshSession): Promise<string[]> {
    const others = await this.list(userId).catch(() => []);
    return [id, ...others.map((other) => other.id).filter((other) => other !== id)];
  }

  private async refuseReuse(
    session: RefreshSession,
    seen: EarlierTokenEvent,
    evidence: ReuseEvidence,
  ): Promise<never> {
    const { reuse, reuseScope } = this.options.refreshToken;
    const revoked = reuse === 'revoke';
    const lastUse = session.recentUses.at(-1) ?? null;
    const affectedSessionIds = reuseScope === 'user' ? await this.liveSessionIds(session) : [session.id];
    // Told whatever fails, and this session ended last: it is what a retry finds again.
    void this.events.emit('refresh_token.reuse_detected', {
      ...seen,
      evidence,
      revoked,
      scope: reuseScope,
      affectedSessionIds,
      lastUse,
    });
    if (revoked && reuseScope === 'user')
      await this.terminator.endAll(
        session.userId,
        'reuse_detected',
        seen.source,
        ({ id }) => id === session.id,
      );
    if (revoked) await this.terminator.end(session.userId, [session.id], 'reuse_detected', seen.source);
    throw new AuthError(
      'REFRESH_TOKEN_REUSED',
      revoked ? {} : { message: 'The refresh token was used before.' },
    );
  }
}

function deviceOf(request: NewSession, client: ClientTraits): SessionDevice {
  return {
    appId: request.appId ?? null,
    deviceId: request.deviceId ?? null,
    deviceName: request.deviceName ?? null,
    userAgent: client.userAgent,
    ip: client.ip,
    fingerprint: client.fingerprints[0] ?? null,
  };
}
