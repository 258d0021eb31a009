import { Inject, Injectable } from '@nestjs/common';
import type { RefreshActivity } from '../core/anomaly.js';
import { AuthError, type AuthErrorInit } from '../core/errors.js';
import { CLOCK, type Clock, type UserRecord } from '../core/ports.js';
import type { RefreshSession, SessionLogin } from '../core/refresh-token.store.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { AnomalyDetector, type Verdict } from '../risk/anomaly-detector.js';
import { DeviceRecognizer } from '../risk/device-recognizer.js';
import { type ClientTraits, eventSource, useOf } from './client-traits.js';
import { SessionTerminator } from './session-terminator.js';

/** What the anomaly rules need to know about a refresh, in addition to the session. */
export type RefreshContext = Pick<RefreshActivity, 'outcome' | 'earlierUses'> &
  Partial<Pick<RefreshActivity, 'isRepeatedRecovery' | 'madeBy' | 'sharedGenerations'>>;

/** The context of a login with the right password. */
export interface LoginContext {
  /** Number of wrong passwords from the same origin before it. */
  readonly failedAttempts: number;
  /** The device has the account's device cookie, from a login under the current token version. */
  readonly isTrustedDevice: boolean;
}

/** Runs the anomaly rules on logins and refreshes, and applies the policy to suspicious ones. */
@Injectable()
export class ActivityReview {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly terminator: SessionTerminator,
    private readonly anomalies: AnomalyDetector,
    private readonly devices: DeviceRecognizer,
  ) {}

  /** @throws AuthError `SUSPICIOUS_ACTIVITY` if the policy refuses */
  async reviewRefresh(session: RefreshSession, client: ClientTraits, context: RefreshContext): Promise<void> {
    const verdict = this.anomalies.judge(this.activity(session, client, context), eventSource(client));
    if (verdict) await this.execute(verdict, session, client);
  }

  /** Only reports what the rules suspect; ends no session. */
  noteRefresh(session: RefreshSession, client: ClientTraits, context: RefreshContext): void {
    this.anomalies.note(this.activity(session, client, context), eventSource(client));
  }

  /**
   * Judges a login, then reports its device unless the account trusts it.
   * @param logins the user's live sessions, including this one
   * @throws AuthError `SUSPICIOUS_ACTIVITY` if the policy refuses
   */
  async reviewLogin(
    { session, user }: { readonly session: RefreshSession; readonly user: UserRecord },
    client: ClientTraits,
    { failedAttempts, isTrustedDevice }: LoginContext,
    logins: readonly SessionLogin[],
  ): Promise<void> {
    const { id: sessionId, userId, createdAt } = session;
    const use = useOf(client, createdAt);
    const activity = { kind: 'login', userId, sessionId, use, failedAttempts, logins } as const;
    const verdict = this.anomalies.judge(activity, eventSource(client));
    // The browser's cookie, if any, belongs to another session.
    if (verdict) await this.execute(verdict, session, client, { keepsCookie: true });
    if (!isTrustedDevice) this.devices.examine(session, user, logins, eventSource(client));
  }

  private activity(
    { id, userId, generation, device }: RefreshSession,
    client: ClientTraits,
    { isRepeatedRecovery = false, madeBy = null, sharedGenerations = 0, ...context }: RefreshContext,
  ): RefreshActivity {
    const nowMs = this.clock.now();
    const { ttlMs, ttlByAppMs } = this.options.accessToken;
    return {
      kind: 'refresh',
      userId,
      sessionId: id,
      // Truncated as in earlier uses: otherwise a long user agent would differ from itself.
      use: useOf(client, new Date(nowMs)),
      ...context,
      isRepeatedRecovery,
      madeBy,
      sharedGenerations,
      ...this.anomalies.rotations(id, generation, nowMs),
      accessTokenTtlMs: ttlByAppMs.get(device.appId ?? '') ?? ttlMs,
    };
  }

  /** Ends the sessions that the policy says, and refuses the request. */
  private async execute(
    verdict: Exclude<Verdict, null>,
    { id, userId }: RefreshSession,
    client: ClientTraits,
    init: AuthErrorInit = {},
  ): Promise<never> {
    const source = eventSource(client);
    // This session ends last: a retry after a failure finds it again.
    if (verdict === 'revoke-user')
      await this.terminator.endAll(userId, 'suspicious_activity', source, (session) => session.id === id);
    await this.terminator.end(userId, [id], 'suspicious_activity', source);
    throw new AuthError('SUSPICIOUS_ACTIVITY', init);
  }
}
