import { Inject, Injectable, Logger } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import { withTimeout } from '../core/with-timeout.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';

/**
 * Asks the host's `BreachChecker`, if there is one, in bounded time. It usually runs on another machine: when it is away,
 * the password is accepted and a warning is logged.
 */
@Injectable()
export class BreachCheck {
  private readonly logger = new Logger('BreachCheck');

  constructor(@Inject(AUTH_OPTIONS) private readonly options: Pick<ResolvedAuthOptions, 'password'>) {}

  /** @throws AuthError `WEAK_PASSWORD` where the password is known from a breach */
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

/** `fetch` puts the reason into the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `${String(error)} (${cause.message})` : String(error);
}
