import { Injectable } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import type { UserRecord } from '../core/ports.js';
import type { RefreshSession } from '../core/refresh-token.store.js';
import type { RevocationReason } from '../core/rotation.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { ActivityReview, type RefreshContext } from './activity-review.js';
import { type ClientTraits, eventSource } from './client-traits.js';
import { FingerprintCheck } from './fingerprint-check.js';
import { refusal } from './refresh-events.js';
import type { RefreshRequest } from './refresh-request.js';
import { SessionTerminator } from './session-terminator.js';

/**
 * Decides whether a session may continue: checks its user, token version, revocations, fingerprint and the anomaly rules.
 * A session that may not continue ends here.
 */
@Injectable()
export class SessionAdmission {
  constructor(
    private readonly terminator: SessionTerminator,
    private readonly revocations: RevocationService,
    private readonly events: AuthEventBus,
    private readonly fingerprints: FingerprintCheck,
    private readonly review: ActivityReview,
  ) {}

  /**
   * The checks of every outcome that answers 200.
   * @returns the owner, who exists
   * @throws AuthError `SESSION_REVOKED`, `SUSPICIOUS_ACTIVITY`, `TEMPORARILY_UNAVAILABLE`
   */
  async admit(
    session: RefreshSession,
    request: RefreshRequest,
    context: RefreshContext,
  ): Promise<UserRecord> {
    const { owner, client } = request;
    if (!owner || owner.disabledAt) return this.refuse(session, request, 'user_disabled');
    // A password change may be replacing this session right now; its response sets the new cookie.
    if (owner.tokenVersion !== session.tokenVersion)
      return this.refuse(session, request, 'token_version_retired', { keepsCookie: true });
    // A process revoked the access tokens but stopped before it ended the session.
    if (this.revocations.isSessionRevoked(session.id, session.tokenVersion))
      return this.refuse(session, request, 'revocation_completed');
    if (!this.fingerprints.admits(session, client)) {
      await this.end(session, client, 'fingerprint_mismatched');
      throw new AuthError('SUSPICIOUS_ACTIVITY');
    }
    await this.review.reviewRefresh(session, client, context);
    this.fingerprints.renew(session, client);
    return owner;
  }

  /** Runs the anomaly rules on a refresh that is refused for another reason; they end no session. */
  note(session: RefreshSession, { client }: RefreshRequest, context: RefreshContext): void {
    this.review.noteRefresh(session, client, context);
  }

  private async refuse(
    session: RefreshSession,
    { token, client }: RefreshRequest,
    reason: RevocationReason,
    init: { readonly keepsCookie?: boolean } = {},
  ): Promise<never> {
    const event = refusal(token, eventSource(client), 'session_revoked', reason);
    void this.events.emit('refresh_token.refused', event);
    await this.end(session, client, reason);
    throw new AuthError('SESSION_REVOKED', init);
  }

  private async end(
    { id, userId }: RefreshSession,
    client: ClientTraits,
    reason: RevocationReason,
  ): Promise<void> {
    await this.terminator.end(userId, [id], reason, eventSource(client));
  }
}
