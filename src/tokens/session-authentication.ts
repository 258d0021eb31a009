import { Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import { CLOCK, type Clock, USER_STORE, type UserRecord, type UserStore } from '../core/ports.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
} from '../core/refresh-token.store.js';
import { assertOwner, type AuthenticatedUser } from './access-token.authenticator.js';
import { type ClientTraits, eventSource } from './client-traits.js';
import { HostClaims } from './host-claims.js';
import { Possession } from './possession.js';
import type { OpenSession } from './session-opener.js';

/** The session of a request and its owner, as the stores have them now. */
export interface CurrentSessionState {
  readonly user: UserRecord;
  readonly session: RefreshSession;
}

/** Re-authentication: users prove again who they are, within a session. */
@Injectable()
export class SessionAuthentication {
  constructor(
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(USER_STORE) private readonly users: UserStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly possession: Possession,
    private readonly claims: HostClaims,
  ) {}

  /**
   * The session of a request. A session that is bound to a key needs a proof of it.
   * @throws AuthError `ACCESS_TOKEN_REVOKED` if the session has ended or the user is gone or disabled, `PROOF_REQUIRED`,
   * `PROOF_NONCE_REQUIRED`, `FORBIDDEN` (somebody acts for the user)
   */
  async find(owner: AuthenticatedUser, client: ClientTraits): Promise<CurrentSessionState> {
    assertOwner(owner);
    const { id, session } = owner;
    const [found, user] = await Promise.all([this.store.findById(session.id), this.users.findById(id)]);
    const isLive = found?.userId === id && !found.revokedAt && found.expiresAt.getTime() > this.clock.now();
    if (!isLive || !user || user.disabledAt || user.tokenVersion !== found.tokenVersion)
      throw new AuthError('ACCESS_TOKEN_REVOKED');
    const holder = { userId: id, sessionId: found.id, jkt: found.jkt };
    this.possession.assertHolder(holder, client.proof, eventSource(client));
    return { user, session: found };
  }

  /**
   * Records that the user has just proved who they are. The refresh token does not change. The new access token keeps the
   * generation of this request's token, because the request does not prove that the client has a newer refresh token.
   * @throws AuthError `ACCESS_TOKEN_REVOKED` if the session has ended in the meantime, `INTERNAL`
   */
  async record(
    { user, session }: CurrentSessionState,
    { generation, isRelay }: AuthenticatedUser['session'],
    amr: readonly string[],
  ): Promise<Omit<OpenSession, 'secret'>> {
    const now = new Date(this.clock.now());
    const made = { authTime: now, amr };
    const custom = await this.claims.prepare(user, { ...session, ...made, generation });
    const recorded = await this.store.recordAuthentication(session.id, made, now);
    if (!recorded) throw new AuthError('ACCESS_TOKEN_REVOKED');
    return { user, session: { ...recorded, generation }, isRelay: isRelay === true, custom };
  }
}
