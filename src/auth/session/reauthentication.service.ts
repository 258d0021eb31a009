import { Injectable } from '@nestjs/common';
import { assertMethods } from '../../core/authentication-methods.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { ClientReader, type ClientRequest } from '../../http/client-reader.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { type ClientTraits, eventSource } from '../../tokens/client-traits.js';
import { type CurrentSessionState, SessionAuthentication } from '../../tokens/session-authentication.js';
import type { OpenSession } from '../../tokens/session-opener.js';
import { PasswordConfirmation } from './password-confirmation.js';

/** How the user authenticated again. */
export interface Reauthentication {
  /** The authentication methods (RFC 8176), such as `['otp']` or `['hwk', 'user']`. */
  readonly amr: readonly string[];
}

type AccessOnly = Omit<OpenSession, 'secret'>;

/** Step-up within a session, which continues with a new `auth_time`. */
@Injectable()
export class ReauthenticationService {
  constructor(
    private readonly clients: ClientReader,
    private readonly sessions: SessionAuthentication,
    private readonly confirmation: PasswordConfirmation,
    private readonly events: AuthEventBus,
  ) {}

  /** See `AuthService.reauthenticateByPassword`. */
  async byPassword(user: AuthenticatedUser, password: string, client: ClientTraits): Promise<AccessOnly> {
    const current = await this.sessions.find(user, client);
    const attempt = await this.confirmation.confirm(current.user, user.session.id, password, client);
    await attempt.succeeded();
    return this.record(current, user, ['pwd'], client);
  }

  /** See `AuthService.reauthenticate`. */
  async byHost(
    user: AuthenticatedUser,
    sender: ClientRequest | ClientTraits,
    { amr }: Reauthentication,
  ): Promise<AccessOnly> {
    assertMethods(amr);
    const client = this.clients.from(sender);
    return this.record(await this.sessions.find(user, client), user, amr, client);
  }

  private async record(
    current: CurrentSessionState,
    user: AuthenticatedUser,
    amr: readonly string[],
    client: ClientTraits,
  ): Promise<AccessOnly> {
    const recorded = await this.sessions.record(current, user.session, amr);
    const ids = { userId: user.id, sessionId: user.session.id };
    void this.events.emit('user.reauthenticated', { ...ids, amr, source: eventSource(client) });
    return recorded;
  }
}
