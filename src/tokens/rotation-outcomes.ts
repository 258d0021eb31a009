import { Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import type { RefusalReason } from '../core/events.js';
import { CLOCK, type Clock } from '../core/ports.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
} from '../core/refresh-token.store.js';
import type { RestoredEvidence, ReuseEvidence, RevocationReason } from '../core/rotation.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { eventSource, useOf } from './client-traits.js';
import { madeBy, newlyShared, refusal, seen, subject } from './refresh-events.js';
import type { RefreshRequest } from './refresh-request.js';
import { ReuseResponse } from './reuse-response.js';
import { SessionAdmission } from './session-admission.js';
import type { OpenSession } from './session-opener.js';

/** Applies the outcome of a refresh: one method per outcome, with its checks, writes, event and response. */
@Injectable()
export class RotationOutcomes {
  constructor(
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly revocations: RevocationService,
    private readonly events: AuthEventBus,
    private readonly admission: SessionAdmission,
    private readonly reuse: ReuseResponse,
  ) {}

  async rotated(request: RefreshRequest, session: RefreshSession, secret: string): Promise<OpenSession> {
    const { client, isRelay, custom } = request;
    // The update has already added this use.
    const earlierUses = session.recentUses.slice(0, -1);
    const user = await this.admission.admit(session, request, { outcome: 'rotated', earlierUses });
    await this.retirePrevious(session);
    const source = eventSource(client);
    void this.events.emit('refresh_token.rotated', { ...subject(session), source });
    return { user, session, secret, isRelay, custom };
  }

  /** Null if the session or the use of its proof has changed in the meantime, so the caller must decide again. */
  async replayed(
    request: RefreshRequest,
    session: RefreshSession,
    { secret, isSameAttempt }: { readonly secret: string; readonly isSameAttempt: boolean },
  ): Promise<OpenSession | null> {
    const { client, isRelay, custom, proof } = request;
    const now = new Date(this.clock.now());
    const shared = isSameAttempt ? null : newlyShared(request, session, now);
    const user = await this.admission.admit(session, request, {
      outcome: 'replayed',
      earlierUses: session.recentUses,
      madeBy: madeBy(session),
      sharedGenerations: shared?.generations ?? 0,
    });
    // A rotation has recorded its proof already. Without this, a copy of the request would be answered in another process.
    if (proof !== null && this.store.recordProof) {
      const use = { ...useOf(client, now), proof };
      if (!(await this.store.recordProof(session.id, session.generation, use))) return null;
    }
    // Rare: a phone that changes its network between a refresh and its retry.
    if (shared) await this.store.recordSharedUse(session.id, session.generation, useOf(client, now), shared);
    await this.retirePrevious(session);
    void this.events.emit('refresh_token.replayed', seen(request, session));
    return { user, session, secret, isRelay, custom };
  }

  superseded(request: RefreshRequest, session: RefreshSession): never {
    void this.events.emit('refresh_token.superseded', seen(request, session));
    throw new AuthError('REFRESH_SUPERSEDED');
  }

  /** Writes nothing and ends no session: the sender may be a tab that shares no storage with the others. */
  async contested(request: RefreshRequest, session: RefreshSession): Promise<never> {
    const other = madeBy(session);
    void this.events.emit('refresh_token.contested', { ...seen(request, session), other });
    const context = { outcome: 'contested', earlierUses: session.recentUses, madeBy: other } as const;
    this.admission.note(session, request, context);
    throw new AuthError('REFRESH_CONTESTED');
  }

  restored(request: RefreshRequest, session: RefreshSession, evidence: RestoredEvidence): never {
    void this.events.emit('refresh_token.restored', { ...seen(request, session), evidence });
    throw new AuthError('REFRESH_TOKEN_UNKNOWN');
  }

  reused(request: RefreshRequest, session: RefreshSession, evidence: ReuseEvidence): Promise<never> {
    return this.reuse.refuse(session, seen(request, session), evidence);
  }

  revoked(request: RefreshRequest, reason: RevocationReason | null): never {
    this.reportRefusal(request, 'session_revoked', reason);
    // After a password change the client's cookie holds, or is about to get, the token of the new session.
    const keepsCookie = reason === 'replaced' || reason === 'token_version_retired';
    throw new AuthError('SESSION_REVOKED', { keepsCookie });
  }

  expired(request: RefreshRequest): never {
    this.reportRefusal(request, 'session_expired');
    throw new AuthError('REFRESH_TOKEN_EXPIRED');
  }

  unknown(request: RefreshRequest): never {
    this.reportRefusal(request, 'session_unknown');
    throw new AuthError('REFRESH_TOKEN_UNKNOWN');
  }

  contended(request: RefreshRequest): never {
    this.reportRefusal(request, 'contended');
    throw new AuthError('TEMPORARILY_UNAVAILABLE', {
      detail: 'every retry of the rotation lost its compare-and-set',
    });
  }

  /** The client is gone, so nobody reads the response. */
  dropped(request: RefreshRequest): never {
    this.reportRefusal(request, 'client_gone');
    throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the client closed the connection' });
  }

  postponed(request: RefreshRequest): never {
    this.reportRefusal(request, 'process_stood_still');
    throw new AuthError('TEMPORARILY_UNAVAILABLE', {
      detail: 'the process stood still just before, so it cannot judge this token yet',
    });
  }

  private reportRefusal(
    { token, client }: RefreshRequest,
    reason: RefusalReason,
    revokedReason: RevocationReason | null = null,
  ): void {
    const event = refusal(token, eventSource(client), reason, revokedReason);
    void this.events.emit('refresh_token.refused', event);
  }

  /** Runs for every successful answer: the request that rotated may have failed after its update. */
  private async retirePrevious({ id, generation }: RefreshSession): Promise<void> {
    await this.revocations.retireGeneration(id, generation - 1);
  }
}
