import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { RefreshActivity } from '../core/anomaly.js';
import { AuthError, type AuthErrorInit } from '../core/errors.js';
import type { RefusalReason } from '../core/events.js';
import { compareFingerprints } from '../core/fingerprint.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { Clock, UserRecord } from '../core/ports.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import type { RevocationReason } from '../core/rotation.js';
import { CLOCK } from '../database/database.module.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { AnomalyDetector, type Verdict } from './anomaly-detector.js';
import { type ClientTraits, sourceOf, useOf } from './client-traits.js';
import { refusal, subject } from './refresh-events.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
  type SessionLogin,
} from './refresh-token.store.js';
import { SessionTerminator } from './session-terminator.js';

const REMEMBERED_MISMATCHES = 10_000;

/** What the anomaly rules are told of a refresh besides the session. */
export interface Circumstances extends Pick<RefreshActivity, 'outcome' | 'earlierUses'> {
  readonly isRepeatedRecovery?: boolean;
}

/**
 * Whether a session may go on for whoever asks: its user, token version, revocations, fingerprint, anomaly rules. Who is
 * refused loses it.
 */
@Injectable()
export class SessionAdmission {
  /** Sessions, and the fingerprints that they showed in place of their own: where two take turns, each is told of once. */
  private readonly mismatched = new LRUCache<string, true>({ max: REMEMBERED_MISMATCHES });

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly terminator: SessionTerminator,
    private readonly revocations: RevocationService,
    private readonly events: AuthEventBus,
    private readonly anomalies: AnomalyDetector,
  ) {}

  /**
   * The checks that every outcome which answers 200 passes alike.
   * @returns the owner, who exists
   * @throws AuthError `SESSION_REVOKED`, `SUSPICIOUS_ACTIVITY`, `TEMPORARILY_UNAVAILABLE`
   */
  async admit(
    session: RefreshSession,
    owner: UserRecord | null,
    token: RefreshTokenClaims,
    client: ClientTraits,
    circumstances: Circumstances,
  ): Promise<UserRecord> {
    const refuse = (reason: RevocationReason, keepsCookie: boolean) => {
      this.tellRefusal(token, client, 'session_revoked', reason);
      return this.end(session, client, reason, new AuthError('SESSION_REVOKED', { keepsCookie }));
    };
    if (!owner || owner.disabledAt) return refuse('user_disabled', false);
    // A change of password may be replacing this very session: its answer brings the new cookie, so leave cookies alone.
    if (owner.tokenVersion !== session.tokenVersion) return refuse('token_version_retired', true);
    // Whoever revoked its tokens was stopped before the session itself was ended: finish that.
    if (this.revocations.isSessionRevoked(session.id, session.tokenVersion))
      return refuse('revocation_completed', false);
    if (!this.matchesFingerprint(session, client))
      return this.end(session, client, 'fingerprint_mismatched', new AuthError('SUSPICIOUS_ACTIVITY'));
    const verdict = this.anomalies.judge(this.activity(session, client, circumstances), sourceOf(client));
    if (verdict) await this.execute(verdict, session, client);
    this.renewFingerprint(session, client);
    return owner;
  }

  /**
   * Judges a login by the anomaly rules.
   * @param failedAttempts how many wrong passwords came before
   * @param logins the user's live sessions, this one among them
   * @throws AuthError `SUSPICIOUS_ACTIVITY` where the policy refuses
   */
  async judgeLogin(
    session: RefreshSession,
    client: ClientTraits,
    failedAttempts: number,
    logins: readonly SessionLogin[],
  ): Promise<void> {
    const { id: sessionId, userId, createdAt } = session;
    const use = useOf(client, createdAt);
    const activity = { kind: 'login', userId, sessionId, use, failedAttempts, logins } as const;
    const verdict = this.anomalies.judge(activity, sourceOf(client));
    // Of a login the cookie is none of the tokens that were refused.
    if (verdict) await this.execute(verdict, session, client, { keepsCookie: true });
  }

  /** Tells of a refusal that is no sign of anything. */
  tellRefusal(
    token: RefreshTokenClaims,
    client: ClientTraits,
    reason: RefusalReason,
    revokedReason?: RevocationReason | null,
  ): void {
    const event = refusal(token, sourceOf(client), reason, revokedReason);
    void this.events.emit('refresh_token.refused', event);
  }

  /** Whether the session may go on as far as its fingerprint says; a mismatch is told of in any case, once. */
  private matchesFingerprint(session: RefreshSession, client: ClientTraits): boolean {
    const { mode } = this.options.fingerprint;
    const { fingerprint } = session.device;
    if (mode === 'off' || fingerprint === null) return true;
    if (compareFingerprints(fingerprint, client.fingerprints) !== 'different') return true;
    const refused = mode === 'enforce';
    const shown = `${session.id} ${client.fingerprints[0]}`;
    if (!this.mismatched.has(shown))
      void this.events.emit('fingerprint.mismatched', {
        ...subject(session),
        refused,
        source: sourceOf(client),
      });
    this.mismatched.set(shown, true);
    return !refused;
  }

  private activity(
    { id, userId, generation, device }: RefreshSession,
    client: ClientTraits,
    { outcome, earlierUses, isRepeatedRecovery = false }: Circumstances,
  ): RefreshActivity {
    const nowMs = this.clock.now();
    const { ttlMs, ttlByAppMs } = this.options.accessToken;
    return {
      kind: 'refresh',
      userId,
      sessionId: id,
      // As earlier uses are held: else a long user agent would look unlike itself.
      use: useOf(client, new Date(nowMs)),
      earlierUses,
      outcome,
      isRepeatedRecovery,
      ...this.anomalies.rotations(id, generation, nowMs),
      accessTokenTtlMs: ttlByAppMs.get(device.appId ?? '') ?? ttlMs,
    };
  }

  /** Ends what the policy says, and refuses. */
  private async execute(
    verdict: Exclude<Verdict, null>,
    session: RefreshSession,
    client: ClientTraits,
    init: AuthErrorInit = {},
  ): Promise<never> {
    // This session last, as with reuse: it is what a retry finds again.
    if (verdict === 'revoke-user')
      await this.terminator.endAll(
        session.userId,
        'suspicious_activity',
        sourceOf(client),
        ({ id }) => id === session.id,
      );
    return this.end(session, client, 'suspicious_activity', new AuthError('SUSPICIOUS_ACTIVITY', init));
  }

  private async end(
    session: RefreshSession,
    client: ClientTraits,
    reason: RevocationReason,
    error: AuthError,
  ): Promise<never> {
    await this.terminator.end(session.userId, [session.id], reason, sourceOf(client));
    throw error;
  }

  /**
   * Keys and features of the fingerprint, and browsers, may change faster than sessions end: what was let in is kept by the
   * newest. In mode `report` that is another browser's, too: an answer that is lost was lost to whoever asked for it, and
   * is made good for him alone; and a stricter mode later ends nobody's session for a change that was let in.
   */
  private renewFingerprint(
    { id, device: { fingerprint } }: RefreshSession,
    { fingerprints }: ClientTraits,
  ): void {
    const [newest] = fingerprints;
    if (fingerprint === null || newest === undefined || newest === fingerprint) return;
    // Off the path; the next refresh does it where this fails.
    this.store.replaceFingerprint(id, fingerprint, newest).catch(() => undefined);
  }
}
