import { Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import type { EarlierTokenEvent } from '../core/events.js';
import { CLOCK, type Clock } from '../core/ports.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
} from '../core/refresh-token.store.js';
import type { ReuseEvidence } from '../core/rotation.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { SessionTerminator } from './session-terminator.js';

/** The response to reuse of a refresh token: emits the event, ends the sessions, refuses the request. */
@Injectable()
export class ReuseResponse {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly terminator: SessionTerminator,
    private readonly events: AuthEventBus,
  ) {}

  /** @throws AuthError `REFRESH_TOKEN_REUSED` */
  async refuse(session: RefreshSession, seen: EarlierTokenEvent, evidence: ReuseEvidence): Promise<never> {
    const { reuse, reuseScope } = this.options.refreshToken;
    const { id, userId } = session;
    const revoked = reuse === 'revoke';
    const lastUse = session.recentUses.at(-1) ?? null;
    const affectedSessionIds = reuseScope === 'user' ? await this.liveSessionIds(session) : [id];
    // Reported even if the next steps fail. This session ends last: a retry after a failure finds it again.
    void this.events.emit('refresh_token.reuse_detected', {
      ...seen,
      evidence,
      revoked,
      scope: reuseScope,
      affectedSessionIds,
      lastUse,
    });
    if (revoked && reuseScope === 'user')
      await this.terminator.endAll(userId, 'reuse_detected', seen.source, (each) => each.id === id);
    if (revoked) await this.terminator.end(userId, [id], 'reuse_detected', seen.source);
    throw new AuthError(
      'REFRESH_TOKEN_REUSED',
      revoked ? {} : { message: 'The refresh token was used before.' },
    );
  }

  /** The live sessions of the owner; only this one if the store fails. */
  private async liveSessionIds({ id, userId }: RefreshSession): Promise<string[]> {
    const live = await this.store.findLive(userId, new Date(this.clock.now())).catch(() => []);
    return [id, ...live.map((other) => other.id).filter((other) => other !== id)];
  }
}
