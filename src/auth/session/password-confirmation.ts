import { Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import type { UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type ClientTraits, eventSource } from '../../tokens/client-traits.js';
import { UsersService } from '../../users/users.service.js';
import { type PasswordAttempt, PasswordLockout } from './password-lockout.js';

/** Asks a logged-in user for the password again. Wrong passwords count and lock out like any guess. */
@Injectable()
export class PasswordConfirmation {
  constructor(
    private readonly users: UsersService,
    private readonly lockout: PasswordLockout,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * @returns the attempt, which counts as a failure until the caller calls `succeeded`
   * @throws AuthError `INVALID_CREDENTIALS`, `ACCOUNT_DISABLED`, `TOO_MANY_ATTEMPTS`, `TEMPORARILY_UNAVAILABLE`
   */
  async confirm(
    user: UserRecord,
    sessionId: string,
    password: string,
    client: ClientTraits,
  ): Promise<PasswordAttempt> {
    const attempt = await this.lockout.beginChange(user, sessionId, client);
    try {
      await this.users.confirmPassword(user, password, eventSource(client));
      return attempt;
    } catch (error) {
      // The attempt stays counted once it has cost a hash.
      if (error instanceof AuthError && error.code === 'TEMPORARILY_UNAVAILABLE') await attempt.cancelled();
      return this.refuse(error, user, client);
    }
  }

  /** Reports a wrong current password as a failed login. */
  refuse(error: unknown, { id: userId, email }: UserRecord, client: ClientTraits): never {
    const source = eventSource(client);
    if (error instanceof AuthError && error.code === 'INVALID_CREDENTIALS')
      void this.events.emit('login.failed', { email, userId, reason: 'wrong_current_password', source });
    throw error;
  }
}
