import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import type { NotificationEvent } from '../core/mail.js';
import { clientAddress } from '../core/network.js';
import { CLOCK, type Clock } from '../core/ports.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import type { ResolvedLimit } from '../options/throttle.options.js';
import { type Consumption, type Limiter, MemoryLimiter } from './limiter.js';
import { MongoCounterStore } from './mongo-counter.store.js';
import { SharedLimiter } from './shared-limiter.js';

/** An attempt at the password of an account. */
export interface Attempt {
  /** Normalised e-mail address. */
  readonly account: string;
  /** `device:…` or `address:…` */
  readonly origin: string;
  readonly device: DeviceTrust;
  /** The session that asks for a change of password: strangers who log in use up nothing of its limit. */
  readonly sessionId?: string;
}

/**
 * How the account sees the device. The limit of the account does not apply to one that it trusts. Those it knows only from
 * an earlier token version share a limit of their own: strangers cannot use it up, and many devices get no more of it.
 */
type DeviceTrust = 'trusted' | 'known' | 'unknown';

/** An attempt that counts as a failure, unless one of the methods takes it back. */
export interface CountedAttempt {
  /** The earlier failures of this origin. */
  readonly failedBefore: number;
  /** The password was not checked: takes the attempt back. */
  cancelled(): Promise<void>;
  /** The password was right: resets the origin, and takes the attempt back from the account. */
  succeeded(): Promise<void>;
}

/** Where a login comes from. */
export interface LoginOrigin {
  readonly ip: string;
  /** The device, if its cookie shows that it is known to the account. */
  readonly deviceId: string | null;
}

/** The kinds of mail that strangers can cause. */
const LIMITED_MAILS = [
  'password_reset',
  'email_verification',
  'email_taken',
  'email_change',
  'email_change_requested',
] as const satisfies readonly NotificationEvent['kind'][];

/** {@link ThrottleService.unlock} clears the count of each. */
type LimitedMail = (typeof LIMITED_MAILS)[number];

interface Limiters {
  readonly login: Limiter;
  readonly knownAddress: Limiter;
  readonly refresh: MemoryLimiter;
  readonly failures: Limiter;
  readonly accountFailures: Limiter;
  readonly clientFailures: MemoryLimiter;
  readonly mails: Limiter;
  readonly dailyMails: Limiter;
}

/** Known devices have their own limits, so an address with many of them is an office. */
const KNOWN_DEVICES_FACTOR = 5;

/**
 * Limits attempts, so that guessing is slow and nobody is locked out by the failures of others. Most counts are in MongoDB,
 * shared by all instances.
 */
@Injectable()
export class ThrottleService implements OnModuleInit {
  private limiters: Limiters | null = null;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly store: MongoCounterStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    const { throttle } = this.options;
    if (!throttle) return;
    await this.store.ensureIndexes();
    const shared = (prefix: string, limit: ResolvedLimit) =>
      new SharedLimiter(prefix, limit, this.store, this.clock);
    this.limiters = {
      login: shared('login', throttle.login),
      knownAddress: shared('known', times(KNOWN_DEVICES_FACTOR, throttle.login)),
      failures: shared('failures', throttle.failures),
      accountFailures: shared('account', throttle.accountFailures),
      mails: shared('mails', throttle.mails),
      dailyMails: shared('daily-mails', throttle.dailyMails),
      // In memory: a refresh must not cost another round trip to the database.
      refresh: new MemoryLimiter(throttle.refresh, this.clock),
      // In memory as well: services introspect the token of every request.
      clientFailures: new MemoryLimiter(throttle.failures, this.clock),
    };
  }

  get isOn(): boolean {
    return this.limiters !== null;
  }

  /**
   * Counts a request that may spend a hash: for its address; of a known device for itself, and for the address with a
   * limit five times as large.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  async admitLogin({ ip, deviceId }: LoginOrigin): Promise<void> {
    if (!this.limiters) return;
    const { login, knownAddress } = this.limiters;
    const address = `address:${clientAddress(ip)}`;
    if (deviceId === null) assertAdmitted(await login.consume(address));
    else await consumeBoth([login, `device:${deviceId}`], [knownAddress, address]);
  }

  /**
   * Counts a refresh with a validly signed token, for its session and address: people behind one address do not share this
   * limit, and whoever holds a copy of the token elsewhere does not use it up.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  admitRefresh({ sessionId, ip }: { readonly sessionId: string; readonly ip: string }): void {
    assertAdmitted(this.limiters?.refresh.count(`session:${sessionId} ${clientAddress(ip)}`));
  }

  /**
   * Counts a refresh with a token that nobody has signed, for its address.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  admitForgedRefresh(ip: string): void {
    assertAdmitted(this.limiters?.refresh.count(`address:${clientAddress(ip)}`));
  }

  /**
   * Checks the limit before a client's secret is compared. Only failures count, so a service may introspect without limit.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  async admitClient(attempt: string): Promise<void> {
    const waitMs = this.limiters?.clientFailures.waitMs(attempt) ?? 0;
    if (waitMs > 0) throw tooMany(waitMs);
  }

  /** Counts a wrong secret. */
  async clientFailed(attempt: string): Promise<void> {
    this.limiters?.clientFailures.count(attempt);
  }

  /**
   * Whether one more mail of this kind may go to the account. For mails that strangers can cause: each kind has a count of
   * its own, and all kinds have one for the day. Ask only about users who exist, or strangers fill the database with counts.
   */
  async admitMail(kind: LimitedMail, email: string): Promise<boolean> {
    const limiters = this.limiters;
    if (!limiters) return true;
    const isWithin = ({ retryAfterMs }: Consumption) => retryAfterMs === null;
    return (
      isWithin(await limiters.mails.consume(`${kind}.${keyOf(email)}`)) &&
      isWithin(await limiters.dailyMails.consume(keyOf(email)))
    );
  }

  /**
   * Counts a password attempt as a failure before it is checked, so that parallel attempts cannot slip through.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  async beginPasswordAttempt(attempt: Attempt): Promise<CountedAttempt> {
    if (!this.limiters) return UNCOUNTED;
    const { failures, accountFailures } = this.limiters;
    const [ownKey, sharedKey] = [ownKeyOf(attempt), sharedKeyOf(attempt)];
    const [own, shared] = await consumeBoth(
      [failures, ownKey],
      sharedKey === null ? null : [accountFailures, sharedKey],
    );
    const giveSharedBack = async () => {
      if (sharedKey !== null && shared) await accountFailures.giveBack(sharedKey, shared.atMs);
    };
    return {
      failedBefore: own.count - 1,
      cancelled: async () => {
        await failures.giveBack(ownKey, own.atMs);
        await giveSharedBack();
      },
      succeeded: async () => {
        await failures.reset(ownKey);
        await giveSharedBack();
      },
    };
  }

  /** Forgets the failures of origins at an account. */
  async forgive(account: string, origins: readonly string[]): Promise<void> {
    for (const origin of origins) await this.limiters?.failures.reset(ownKeyOf({ account, origin }));
  }

  /** Forgets every wrong password for an account, from wherever it came, and the mail that it got. */
  async unlock(account: string): Promise<void> {
    if (!this.limiters) return;
    const { failures, accountFailures, mails, dailyMails } = this.limiters;
    const key = keyOf(account);
    await Promise.all([
      failures.resetAll(`${key}.`),
      accountFailures.resetAll(key),
      dailyMails.resetAll(key),
      ...LIMITED_MAILS.map((kind) => mails.reset(`${kind}.${key}`)),
    ]);
  }
}

const UNCOUNTED: CountedAttempt = {
  failedBefore: 0,
  cancelled: async () => undefined,
  succeeded: async () => undefined,
};

/**
 * Counts by two limits, or by neither: what the second refuses is given back to the first.
 * @throws AuthError `TOO_MANY_ATTEMPTS`
 */
async function consumeBoth(
  [limiter, key]: readonly [Limiter, string],
  second: readonly [Limiter, string] | null,
): Promise<[Consumption, Consumption | null]> {
  const first = await limiter.consume(key);
  assertAdmitted(first);
  if (second === null) return [first, null];
  const [otherLimiter, otherKey] = second;
  const other = await otherLimiter.consume(otherKey);
  if (other.retryAfterMs !== null) await limiter.giveBack(key, first.atMs);
  assertAdmitted(other);
  return [first, other];
}

function assertAdmitted(counted: Consumption | null | undefined): void {
  if (counted && counted.retryAfterMs !== null) throw tooMany(counted.retryAfterMs);
}

function tooMany(waitMs: number): AuthError {
  return new AuthError('TOO_MANY_ATTEMPTS', { retryAfter: Math.max(1, waitMs / 1000) });
}

function times(factor: number, { limit, windowMs }: ResolvedLimit): ResolvedLimit {
  return { limit: factor * limit, windowMs };
}

function ownKeyOf({ account, origin }: Pick<Attempt, 'account' | 'origin'>): string {
  return `${keyOf(account)}.${origin}`;
}

/** Of the limit for the account; null where it does not count. */
function sharedKeyOf({ account, device, sessionId }: Attempt): string | null {
  if (device === 'trusted') return null;
  if (sessionId !== undefined) return `${keyOf(account)}.session:${sessionId}`;
  return device === 'known' ? `${keyOf(account)}.known` : keyOf(account);
}

/** Keys are hashed, so the counters hold no e-mail addresses. */
function keyOf(account: string): string {
  return createHash('sha256').update(account).digest('base64url');
}
