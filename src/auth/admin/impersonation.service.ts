import { Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { MAX_REASON } from '../../core/limits.js';
import type { UserRecord } from '../../core/ports.js';
import { printable } from '../../core/printable.js';
import { ADMINISTRATOR_ROLE } from '../../core/roles.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { ClientReader, type ClientRequest } from '../../http/client-reader.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { type ClientTraits, eventSource } from '../../tokens/client-traits.js';
import { HostClaims } from '../../tokens/host-claims.js';
import { SessionAuthentication } from '../../tokens/session-authentication.js';
import { TokenSigner } from '../../tokens/token-signer.js';
import { UsersService } from '../../users/users.service.js';
import { type AccessGrant, accessGrant } from '../session/dto/answers.js';
import { knownUser } from './known-user.js';

/**
 * Lets administrators act for a user (RFC 8693 §4.1), with an access token of the user that names the administrator in
 * `act`. It belongs to the administrator's session, so it ends with that session. It also ends when the user's tokens end.
 */
@Injectable()
export class ImpersonationService {
  constructor(
    private readonly clients: ClientReader,
    private readonly sessions: SessionAuthentication,
    private readonly users: UsersService,
    private readonly claims: HostClaims,
    private readonly signer: TokenSigner,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Issues an access token with which an administrator acts for a user, for at most fifteen minutes. `AuthHttp.answer` turns
   * the grant into a response. There is no refresh token.
   * @param admin `request.user` of the administrator
   * @param reason for the audit log: 1 to 500 characters
   * @throws AuthError `FORBIDDEN` (not an administrator, or the user is one), `NOT_FOUND`, `ACCOUNT_DISABLED` (the user is
   * disabled), `VALIDATION_FAILED` (no reason), `ACCESS_TOKEN_REVOKED`, `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  async impersonate(
    admin: AuthenticatedUser,
    userId: string,
    reason: string,
    sender: ClientRequest | ClientTraits,
  ): Promise<AccessGrant> {
    const why = readReason(reason);
    const client = this.clients.from(sender);
    // Read the current state: the roles in the access token may have been revoked since.
    const { user: actor, session: current } = await this.sessions.find(admin, client);
    if (!actor.roles.includes(ADMINISTRATOR_ROLE)) throw new AuthError('FORBIDDEN');
    const user = await this.target(userId);
    // Keep the generation of the request: it does not prove that the client has a newer refresh token.
    const session = { ...current, generation: admin.session.generation };
    const custom = await this.claims.prepare(user, session);
    const accessToken = this.signer.signAccessToken(user, session, { actor, custom });
    void this.events.emit('user.impersonated', {
      userId: user.id,
      by: actor.id,
      reason: why,
      source: eventSource(client),
    });
    return accessGrant({ user, session, custom }, accessToken);
  }

  /** Refuses administrators (which includes the caller), so that nobody gains rights. */
  private async target(userId: string): Promise<UserRecord> {
    const user = await knownUser(this.users, userId);
    if (user.roles.includes(ADMINISTRATOR_ROLE))
      throw new AuthError('FORBIDDEN', { message: 'Nobody can act for an administrator.' });
    if (user.disabledAt) throw new AuthError('ACCOUNT_DISABLED');
    return user;
  }
}

function readReason(reason: unknown): string {
  const text = typeof reason === 'string' ? printable(reason).trim() : '';
  if (text !== '' && text.length <= MAX_REASON) return text;
  throw new AuthError('VALIDATION_FAILED', {
    fields: [{ field: 'reason', message: `reason must be a text of 1 to ${MAX_REASON} characters` }],
  });
}
