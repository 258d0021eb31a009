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

/** What the anomaly rules need to know of a refresh beside the session. */
export type RefreshContext = Pick<RefreshActivity, 'outcome' | 'earlierUses'> &
  Partial<Pick<RefreshActivity, 'isRepeatedRecovery' | 'madeBy' | 'sharedGenerations'>>;

/** What is known of a login with the right password. */
export interface LoginContext {
  /** Wrong passwords from the same origin before it. */
  readonly failedAttempts: number;
  /** The device carries the account's cookie, of a login under its present token version. */
  readonly isTrustedDevice: boolean;
}

/** Has logins and refreshes judged by the anomaly rules, and does what the policy says about suspicious ones. */
@Injectable()
export class ActivityReview {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly terminator: SessionTerminator,
    private readonly anomalies: AnomalyDetector,
    private readonly devices: DeviceRecognizer,
  ) {}

  /** @throws AuthError `SUSPICIOUS_ACTIVITY` where the policy refuses */
  async reviewRefresh(session: RefreshSession, client: ClientTraits, context: RefreshContext): Promise<void> {
    const verdict = this.anomalies.judge(this.activity(session, client, context), eventSource(client));
    if (verdict) await this.execute(verdict, session, client);
  }

  /** Reports what the rules suspect, and ends nothing. */
  noteRefresh(session: RefreshSession, client: ClientTraits, context: RefreshContext): void {
    this.anomalies.note(this.activity(session, client, context), eventSource(client));
  }

  /**
   * Judges a login; then reports its device, unless the account trusts it.
   * @param logins the user's live sessions, this one among them
   * @throws AuthError `SUSPICIOUS_ACTIVITY` where the policy refuses
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
    // The browser's cookie, if any, is of another session.
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
      // Cut as earlier uses are: otherwise a long user agent would differ from itself.
      use: useOf(client, new Date(nowMs)),
      ...context,
      isRepeatedRecovery,
      madeBy,
      sharedGenerations,
      ...this.anomalies.rotations(id, generation, nowMs),
      accessTokenTtlMs: ttlByAppMs.get(device.appId ?? '') ?? ttlMs,
    };
  }

  /** Ends what the policy says, and refuses. */
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
