import { Inject, Injectable, Logger } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import { withTimeout } from '../core/with-timeout.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';

/**
 * Calls the host's `BreachChecker`, if there is one, with a timeout. It usually runs on another machine: while it is
 * unreachable, passwords are accepted and a warning is logged.
 */
@Injectable()
export class BreachCheck {
  private readonly logger = new Logger('BreachCheck');

  constructor(@Inject(AUTH_OPTIONS) private readonly options: Pick<ResolvedAuthOptions, 'password'>) {}

  /** @throws AuthError `WEAK_PASSWORD` if the password is known from a breach */
  async assertUnknown(password: string): Promise<void> {
    if (await this.isBreached(password))
      throw new AuthError('WEAK_PASSWORD', {
        message: 'The password is known from a data breach elsewhere. Choose another one.',
      });
  }

  private async isBreached(password: string): Promise<boolean> {
    const { breachCheck, breachCheckTimeoutMs } = this.options.password;
    if (!breachCheck) return false;
    try {
      return await withTimeout((signal) => breachCheck.isBreached(password, signal), breachCheckTimeoutMs);
    } catch (error) {
      this.logger.warn(`a new password was not checked against breaches: ${reasonOf(error)}`);
      return false;
    }
  }
}

/** The text of an error; `fetch` puts the reason into its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `${String(error)} (${cause.message})` : String(error);
}
