import { Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import type { UserRecord } from '../../core/ports.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { type ClientTraits, eventSource } from '../../tokens/client-traits.js';
import { isLastAdministrator } from '../../users/last-administrator.js';
import { UsersService } from '../../users/users.service.js';
import { PasswordConfirmation } from '../session/password-confirmation.js';
import { EmailChangeService } from '../verification/email-change.service.js';
import { UserRemovalService } from './user-removal.service.js';

/**
 * What users do to their own account: change the address, and leave. By their password; who has none has proved in another
 * way who they are, which the routes require of everybody (`@RequireFreshAuth`).
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
   * Asks for another address; it takes effect by a link that goes to it.
   * @throws AuthError `INVALID_CREDENTIALS`, `VALIDATION_FAILED` (no password), `TOO_MANY_ATTEMPTS`, `NOT_FOUND` where it is
   * not possible
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
   * Deletes the account, for good.
   * @throws AuthError `INVALID_CREDENTIALS`, `VALIDATION_FAILED` (no password), `TOO_MANY_ATTEMPTS`, `FORBIDDEN` (the last
   * administrator), `NOT_FOUND` where it is not possible
   */
  async remove(
    user: AuthenticatedUser,
    currentPassword: string | null | undefined,
    client: ClientTraits,
  ): Promise<void> {
    if (!this.removal.isPossible) throw new AuthError('NOT_FOUND');
    const owner = await this.confirm(user, currentPassword, client);
    if (await isLastAdministrator(this.users, owner))
      throw new AuthError('FORBIDDEN', { message: 'The last administrator cannot be deleted.' });
    await this.removal.remove(owner.id, eventSource(client));
  }

  /** Counted as a change of password is: the holder of an access token must not be able to guess the password. */
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
