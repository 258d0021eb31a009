import { Inject, Injectable, Logger } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';

/**
 * Asks the host's `BreachChecker`, where there is one, in bounded time. It mostly lives on another machine: when it is
 * away, an honest user is let through and the operator is told.
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
    const signal = AbortSignal.timeout(breachCheckTimeoutMs);
    // Raced as well: a checker may not heed the signal.
    const late = new Promise<never>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
    );
    // Inside a function, so that one that throws at once is one that rejects.
    const answer = (async () => breachCheck.isBreached(password, signal))();
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      this.logger.warn(`a new password was not checked against breaches: ${reasonOf(error)}`);
      return false;
    }
  }
}

/** `fetch` says what went wrong in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `${String(error)} (${cause.message})` : String(error);
}
