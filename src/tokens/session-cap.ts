import { Inject, Injectable } from '@nestjs/common';
import type { EventSource } from '../core/events.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
  type SessionLogin,
} from '../core/refresh-token.store.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { SessionTerminator } from './session-terminator.js';

/** The cap of sessions (`sessions.maxPerUser`): beyond it the session unused longest ends. */
@Injectable()
export class SessionCap {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    private readonly terminator: SessionTerminator,
  ) {}

  /**
   * Makes room for a session that was just stored. Called after the insert, so that of several logins at once each sees
   * the others.
   * @param replaces a session that the new one takes the place of, which ends in any case
   * @returns the live sessions from before the eviction, latest use first
   */
  async makeRoom(
    { id, userId, createdAt }: RefreshSession,
    replaces: string | null,
    source: EventSource,
  ): Promise<SessionLogin[]> {
    if (replaces !== null) await this.terminator.end(userId, [replaces], 'replaced', source);
    const logins = await this.store.findLogins(userId, createdAt);
    const beyond = logins.slice(this.options.sessions.maxPerUser).map((login) => login.id);
    // The new session stays, even where the clock of another process makes it look unused longest.
    const evicted = beyond.filter((each) => each !== id);
    await this.terminator.end(userId, evicted, 'evicted', source);
    return logins;
  }
}
