import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../core/ports.js';
import { renewedExpiry } from '../core/refresh-token.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
  type ReissueCommand,
} from '../core/refresh-token.store.js';
import { reissue } from '../core/reissue.js';
import type { Reissue } from '../core/rotation.js';
import type { SharedUse } from '../core/shared-use.js';
import { hashSecret, NONCE_BYTES, SECRET_BYTES } from '../core/successor-seal.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { AbandonedGenerations } from './abandoned-generations.js';
import { useOf } from './client-traits.js';
import { madeBy, newlyShared, seen } from './refresh-events.js';
import type { RefreshRequest } from './refresh-request.js';
import { SessionAdmission } from './session-admission.js';
import type { OpenSession } from './session-opener.js';

/**
 * A rotation for the holder of an earlier secret. The current secret is abandoned and becomes worthless, and the access
 * tokens of all generations after the earlier secret are revoked.
 */
@Injectable()
export class SessionReissue {
  private readonly abandoned = new AbandonedGenerations();

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly revocations: RevocationService,
    private readonly events: AuthEventBus,
    private readonly admission: SessionAdmission,
  ) {}

  /**
   * @param now the database's time at the decision
   * @returns null if the session changed in the meantime, so the caller must decide again
   * @throws AuthError `SESSION_REVOKED`, `SUSPICIOUS_ACTIVITY`, `TEMPORARILY_UNAVAILABLE`
   */
  async carryOut(
    request: RefreshRequest,
    session: RefreshSession,
    decision: Reissue,
    now: Date,
  ): Promise<OpenSession | null> {
    const { outcome } = decision;
    const shared = outcome === 'recovered' ? newlyShared(request, session, now) : null;
    const user = await this.admission.admit(session, request, {
      outcome,
      earlierUses: session.recentUses,
      madeBy: madeBy(session),
      isRepeatedRecovery: isRepeated(request, session, outcome),
      sharedGenerations: shared?.generations ?? 0,
    });
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const command = this.command(request, session, decision, { secret, shared, now });
    // First: a crash after this step costs one more refresh. In the other order it would leave an access token alive.
    const { gen } = request.token;
    const first = this.abandoned.firstAfter(session.id, gen, session.generation);
    await this.revocations.revokeGenerations(session.id, first, session.generation);
    const reissued = await this.store.reissue(command);
    if (!reissued) return null;
    this.abandoned.note(session.id, gen, session.generation);
    await this.revocations.retireGeneration(session.id, gen);
    this.report(request, session, outcome);
    const { isRelay, custom } = request;
    return { user, session: reissued, secret, isRelay, custom };
  }

  private command(
    { token, client, attempt, proof }: RefreshRequest,
    session: RefreshSession,
    decision: Reissue,
    next: { readonly secret: string; readonly shared: SharedUse | null; readonly now: Date },
  ): ReissueCommand {
    const { secret, shared, now } = next;
    const former = reissue({
      session,
      decision,
      presentedSecret: token.sec,
      presentedGen: token.gen,
      nextSecret: secret,
      nonces: [randomBytes(NONCE_BYTES), randomBytes(NONCE_BYTES)],
      attempt,
      now,
    });
    return {
      sessionId: session.id,
      ifTokenHash: session.tokenHash,
      ifGeneration: session.generation,
      ifUnconfirmed: decision.outcome !== 'healed',
      now,
      tokenHash: hashSecret(secret),
      rotatedAt: this.store.readTime ? null : now,
      use: useOf(client, now, proof),
      expiresAt: renewedExpiry(this.options.refreshToken, session, now),
      ...former,
      // Counting continues with the generation that this reissue makes.
      sharedUse: shared && { ...shared, generation: session.generation + 1 },
    };
  }

  private report(request: RefreshRequest, session: RefreshSession, outcome: Reissue['outcome']): void {
    const event = seen(request, session);
    if (outcome === 'healed') void this.events.emit('refresh_token.healed', event);
    else if (outcome === 'displaced')
      void this.events.emit('refresh_token.displaced', { ...event, other: madeBy(session) });
    else
      void this.events.emit('refresh_token.recovered', {
        ...event,
        repeated: isRepeated(request, session, outcome),
      });
  }
}

/** True if the successor of the presented token was lost and reissued before: it is then more than one generation behind. */
function isRepeated(
  { token }: RefreshRequest,
  { generation }: RefreshSession,
  outcome: Reissue['outcome'],
): boolean {
  return outcome === 'recovered' && generation - token.gen > 1;
}
