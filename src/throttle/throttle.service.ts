import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AuthError } from '../core/errors.js';
import type { Happening } from '../core/mail.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { clientAddress } from './client-address.js';
import { limiterWindow, MongoLimiterStore } from './mongo-limiter.store.js';

/** Who makes an attempt: a device that logged in to this account before, or an address. */
export interface Attempt {
  readonly email: string;
  /** `device:…` or `address:…` */
  readonly origin: string;
  readonly standing: Standing;
}

/**
 * What an account is to a device. The limit for an account does not reach one that it trusts. Those that logged in before its
 * token version was made share one of their own: strangers cannot use it up, and who had the password, and logged in many
 * times to have many devices, gets no more of it.
 */
export type Standing = 'trusted' | 'former' | 'unknown';

interface Limiters {
  readonly login: RateLimiterAbstract;
  readonly refresh: RateLimiterAbstract;
  readonly failures: RateLimiterAbstract;
  readonly accountFailures: RateLimiterAbstract;
  readonly clientFailures: RateLimiterAbstract;
  readonly mails: RateLimiterAbstract;
}

/**
 * Counts attempts, in MongoDB where instances share the count, so that guessing is slow and nobody is locked out by the
 * failures of others.
 */
@Injectable()
export class ThrottleService implements OnModuleInit {
  private limiters: Limiters | null = null;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly store: MongoLimiterStore,
  ) {}

  async onModuleInit(): Promise<void> {
    const { throttle } = this.options;
    if (!throttle) return;
    const login = this.store.limiter('login', throttle.login);
    await this.store.ensureIndexes(login);
    this.limiters = {
      login,
      failures: this.store.limiter('failures', throttle.failures),
      accountFailures: this.store.limiter('account', throttle.accountFailures),
      mails: this.store.limiter('mails', throttle.mails),
      // In the process: a refresh must not cost another round trip to the database.
      refresh: new RateLimiterMemory(limiterWindow('refresh', throttle.refresh)),
      // The same: services ask about every request that they get.
      clientFailures: new RateLimiterMemory(limiterWindow('client', throttle.failures)),
    };
  }

  /** @throws AuthError `TOO_MANY_ATTEMPTS` */
  async admitLogin(origin: string): Promise<void> {
    await consume(this.limiters?.login, origin);
  }

  /** @throws AuthError `TOO_MANY_ATTEMPTS` */
  async admitRefresh(ip: string): Promise<void> {
    if (this.limiters) await consume(this.limiters.refresh, `address:${clientAddress(ip)}`);
  }

  /**
   * Before a client's secret is looked at. Only failures count: a service may ask as often as it likes.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  async admitClient(attempt: string): Promise<void> {
    const count = await this.limiters?.clientFailures.get(attempt);
    if (count && count.remainingPoints <= 0) throw tooMany(count);
  }

  /** The secret was wrong. */
  async clientFailed(attempt: string): Promise<void> {
    await this.limiters?.clientFailures.penalty(attempt);
  }

  /** Whether one more mail of a kind that strangers can cause may go to the account. Kinds count for themselves. */
  async admitMail(kind: Happening['kind'], email: string): Promise<boolean> {
    try {
      await consume(this.limiters?.mails, `${kind}.${keyOf(email)}`);
      return true;
    } catch (error) {
      if (error instanceof AuthError && error.code === 'TOO_MANY_ATTEMPTS') return false;
      throw error;
    }
  }

  /**
   * Counts an attempt at a password as a failure before it is checked, so that many at once cannot slip through;
   * {@link succeeded} and {@link cancelled} take it back.
   * @returns how many failures of this origin were counted before
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  async beginPasswordAttempt(attempt: Attempt): Promise<number> {
    const counted = await consume(this.limiters?.failures, ownKey(attempt));
    const shared = sharedKey(attempt);
    if (shared !== null) await consume(this.limiters?.accountFailures, shared);
    return Math.max(0, counted - 1);
  }

  /** The password was never looked at: the count goes back by one. */
  async cancelled(attempt: Attempt): Promise<void> {
    await this.limiters?.failures.reward(ownKey(attempt));
    await this.takeBackShared(attempt);
  }

  /** The password was right: this origin starts anew, and the account has one failure less. */
  async succeeded(attempt: Attempt): Promise<void> {
    await this.limiters?.failures.delete(ownKey(attempt));
    await this.takeBackShared(attempt);
  }

  private async takeBackShared(attempt: Attempt): Promise<void> {
    const shared = sharedKey(attempt);
    if (shared !== null) await this.limiters?.accountFailures.reward(shared);
  }
}

/** @returns how often the key was counted within the window, this time included; 0 where nothing is counted */
async function consume(limiter: RateLimiterAbstract | undefined, key: string): Promise<number> {
  try {
    return (await limiter?.consume(key))?.consumedPoints ?? 0;
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    throw tooMany(refusal);
  }
}

function tooMany({ msBeforeNext }: RateLimiterRes): AuthError {
  return new AuthError('TOO_MANY_ATTEMPTS', { retryAfter: Math.max(1, msBeforeNext / 1000) });
}

function ownKey({ email, origin }: Attempt): string {
  return `${keyOf(email)}.${origin}`;
}

/** Of the limit for the account; null where it does not count. */
function sharedKey({ email, standing }: Attempt): string | null {
  if (standing === 'trusted') return null;
  return standing === 'former' ? `${keyOf(email)}.former` : keyOf(email);
}

/** Counters name nobody. */
function keyOf(email: string): string {
  return createHash('sha256').update(email).digest('base64url');
}
