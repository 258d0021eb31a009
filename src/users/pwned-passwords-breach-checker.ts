import { createHash } from 'node:crypto';
import type { BreachChecker } from '../core/ports.js';

export interface PwnedPasswordsOptions {
  /**
   * URL of the range search: the public service, or a mirror in your own network.
   * @default 'https://api.pwnedpasswords.com'
   */
  readonly baseUrl?: string;
  /**
   * Sends the request; replace it to use a proxy, for example.
   * @default the global `fetch`
   */
  readonly fetch?: typeof fetch;
}

/** How many of the hash's 40 hexadecimal digits are sent; about 1,000 known passwords share them. */
const PREFIX_DIGITS = 5;

/**
 * Pwned Passwords by k-anonymity: only the first five digits of the password's SHA-1 are sent, and the comparison is made
 * here. `Add-Padding` keeps the size of the answer from revealing which range was requested.
 * @see https://haveibeenpwned.com/API/v3#PwnedPasswords
 */
export class PwnedPasswordsBreachChecker implements BreachChecker {
  private readonly baseUrl: string;
  private readonly send: typeof fetch;

  constructor(options: PwnedPasswordsOptions = {}) {
    this.baseUrl = (options.baseUrl ?? 'https://api.pwnedpasswords.com').replace(/\/+$/, '');
    this.send = options.fetch ?? fetch;
  }

  /** @throws Error if the service answers with an error */
  async isBreached(password: string, signal: AbortSignal): Promise<boolean> {
    const hash = createHash('sha1').update(password, 'utf8').digest('hex').toUpperCase();
    const suffix = hash.slice(PREFIX_DIGITS);
    // Not called as a method of this object: the global fetch of some runtimes refuses another `this`.
    const { send } = this;
    const answer = await send(`${this.baseUrl}/range/${hash.slice(0, PREFIX_DIGITS)}`, {
      headers: { 'Add-Padding': 'true' },
      signal,
    });
    if (!answer.ok) {
      await answer.body?.cancel();
      throw new Error(`Pwned Passwords answered ${answer.status}`);
    }
    const lines = (await answer.text()).split(/\r?\n/);
    // Padding lines have the count 0.
    return lines.some((line) => {
      const [found, count] = line.split(':');
      return found?.toUpperCase() === suffix && Number(count) > 0;
    });
  }
}
