import { Inject, Injectable } from '@nestjs/common';
import type { AccessTokenClaims } from '../core/access-token.js';
import type { EventSource } from '../core/events.js';
import { CLOCK, type Clock } from '../core/ports.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
} from '../core/refresh-token.store.js';
import type { RevocationReason } from '../core/rotation.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { RevocationService } from '../revocation/revocation.service.js';

/** Ends sessions: revokes their access tokens, updates their documents, emits the events. */
@Injectable()
export class SessionTerminator {
  constructor(
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly revocations: RevocationService,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Ends the sessions; some may have ended already. The revocation entries are written first, so that a crash never leaves
   * an ended session with valid access tokens.
   * @param source null without a request
   * @param clientId the OAuth client that asked for it, if any
   * @returns the ids of sessions that had not ended before
   */
  async end(
    userId: string,
    sessionIds: readonly string[],
    reason: RevocationReason,
    source: EventSource | null,
    clientId?: string,
  ): Promise<readonly string[]> {
    if (sessionIds.length === 0) return [];
    await this.revocations.revokeSessions(sessionIds);
    const ended = await this.store.revoke(sessionIds, reason, new Date(this.clock.now()));
    for (const sessionId of ended) {
      const byClient = clientId === undefined ? {} : { clientId };
      void this.events.emit('session.revoked', { userId, sessionId, reason, ...byClient, source });
      if (reason === 'evicted') void this.events.emit('session.evicted', { userId, sessionId, source });
    }
    return ended;
  }

  /** Ends one access token; its session stays valid. */
  async endAccessToken({ jti, exp }: Pick<AccessTokenClaims, 'jti' | 'exp'>): Promise<void> {
    const expiresAt = new Date(exp * 1000);
    if (expiresAt.getTime() > this.clock.now()) await this.revocations.revokeToken(jti, expiresAt);
  }

  /** Ends every live session of the user, except those for which `isSpared` returns true. */
  async endAll(
    userId: string,
    reason: RevocationReason,
    source: EventSource | null,
    isSpared: (session: RefreshSession) => boolean = () => false,
  ): Promise<void> {
    const live = await this.store.findLive(userId, new Date(this.clock.now()));
    const ids = live.filter((session) => !isSpared(session)).map(({ id }) => id);
    await this.end(userId, ids, reason, source);
  }

  /** Deletes the documents of the user's sessions, which have ended. */
  async forget(userId: string): Promise<void> {
    await this.store.removeOfUser(userId);
  }
}
