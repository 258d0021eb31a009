import { Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import type { UserRecord } from '../../core/ports.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { type ClientTraits, eventSource } from '../../tokens/client-traits.js';
import { UsersService } from '../../users/users.service.js';
import { PasswordConfirmation } from '../session/password-confirmation.js';
import { EmailChangeService } from '../verification/email-change.service.js';
import { UserRemovalService } from './user-removal.service.js';

/**
 * Lets users change the address of their account and delete it. It asks for their password. Users without a password have
 * authenticated in another way, which the routes require in any case (`@RequireFreshAuth`).
 */
@Injectable()
export class AccountService {
  constructor(
    private readonly users: UsersService,
    private readonly confirmation: PasswordConfirmation,
    private readonly emails: EmailChangeService,
    private readonly removal: UserRemovalService,
  ) {}

  /**
   * Requests a new address. It takes effect when the user opens the link that is sent to it.
   * @throws AuthError `INVALID_CREDENTIALS`, `VALIDATION_FAILED` (no password), `TOO_MANY_ATTEMPTS`, `NOT_FOUND` (not
   * supported: no mailer, or a store that cannot change addresses)
   */
  async changeEmail(
    user: AuthenticatedUser,
    request: { readonly email: string; readonly currentPassword?: string | null },
    client: ClientTraits,
  ): Promise<void> {
    if (!this.emails.isPossible) throw new AuthError('NOT_FOUND');
    const owner = await this.confirm(user, request.currentPassword, client);
    this.emails.request(owner, request.email, eventSource(client));
  }

  /**
   * Deletes the account permanently.
   * @throws AuthError `INVALID_CREDENTIALS`, `VALIDATION_FAILED` (no password), `TOO_MANY_ATTEMPTS`, `FORBIDDEN` (the last
   * administrator), `NOT_FOUND` (the store cannot delete users)
   */
  async remove(
    user: AuthenticatedUser,
    currentPassword: string | null | undefined,
    client: ClientTraits,
  ): Promise<void> {
    if (!this.removal.isPossible) throw new AuthError('NOT_FOUND');
    const owner = await this.confirm(user, currentPassword, client);
    await this.removal.removeUnlessLast(owner, eventSource(client));
  }

  /** Counted like a password change: the holder of an access token must not be able to guess the password. */
  private async confirm(
    { id, session }: AuthenticatedUser,
    password: string | null | undefined,
    client: ClientTraits,
  ): Promise<UserRecord> {
    const user = await this.users.findById(id);
    if (!user || user.disabledAt) throw new AuthError('ACCESS_TOKEN_REVOKED');
    if (user.passwordHash === null) return user;
    if (typeof password !== 'string')
      throw new AuthError('VALIDATION_FAILED', {
        fields: [
          { field: 'currentPassword', message: 'currentPassword must be the password of the account' },
        ],
      });
    const attempt = await this.confirmation.confirm(user, session.id, password, client);
    await attempt.succeeded();
    return user;
  }
}
