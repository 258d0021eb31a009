import { Injectable } from '@nestjs/common';
import type { RefreshSession } from '../../core/refresh-token.store.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type ClientTraits, eventSource } from '../../tokens/client-traits.js';
import { type OpenSession, SessionOpener } from '../../tokens/session-opener.js';
import { TokenVersions } from '../../tokens/token-version.js';
import { UsersService } from '../../users/users.service.js';
import { PasswordConfirmation } from './password-confirmation.js';

/** Changes passwords; requires the current one. */
@Injectable()
export class PasswordChangeService {
  constructor(
    private readonly users: UsersService,
    private readonly confirmation: PasswordConfirmation,
    private readonly sessions: SessionOpener,
    private readonly tokenVersions: TokenVersions,
    private readonly events: AuthEventBus,
  ) {}

  /** See `AuthService.changePassword`. @param current the session of the request */
  async change(
    userId: string,
    current: RefreshSession,
    passwords: { readonly currentPassword: string; readonly newPassword: string },
    client: ClientTraits,
  ): Promise<OpenSession> {
    this.sessions.assertReplaceable(current, client);
    const source = eventSource(client);
    // Costs no hash, so it comes first.
    const accepted = await this.users.acceptNewPassword(userId, passwords.newPassword);
    const { transport, device, remember } = current;
    const request = { transport, ...device, rememberMe: remember !== false };
    const beginning = { amr: ['pwd'], replaces: current };
    // Before the password changes: a later failure would leave the user without any session.
    await this.sessions.rehearse(accepted.user, request, client, beginning);
    const attempt = await this.confirmation.confirm(
      accepted.user,
      current.id,
      passwords.currentPassword,
      client,
    );
    const { user, retiredTokenVersion } = await this.users
      .replacePassword(accepted, source)
      .catch((error: unknown) => this.confirmation.refuse(error, accepted.user, client));
    try {
      await attempt.succeeded();
      const open = () => this.sessions.open(user, request, client, beginning);
      return await this.tokenVersions.afterChange(userId, retiredTokenVersion, source, open);
    } finally {
      // The password is changed even if the next steps fail, so the owner must be notified.
      void this.events.emit('password.changed', { userId, source });
    }
  }
}
