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

/** The limit of sessions per user (`sessions.maxPerUser`): beyond it, the least recently used session ends. */
@Injectable()
export class SessionCap {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    private readonly terminator: SessionTerminator,
  ) {}

  /**
   * Makes room for a session that was just stored. Called after the insert, so that concurrent logins see each other.
   * @param replaces id of the session that the new one replaces; it always ends
   * @returns the live sessions before the eviction, latest use first
   */
  async makeRoom(
    { id, userId, createdAt }: RefreshSession,
    replaces: string | null,
    source: EventSource,
  ): Promise<SessionLogin[]> {
    if (replaces !== null) await this.terminator.end(userId, [replaces], 'replaced', source);
    const logins = await this.store.findLogins(userId, createdAt);
    const beyond = logins.slice(this.options.sessions.maxPerUser).map((login) => login.id);
    // The new session stays, even if clock differences between processes make it look least recently used.
    const evicted = beyond.filter((each) => each !== id);
    await this.terminator.end(userId, evicted, 'evicted', source);
    return logins;
  }
}
