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

/** An attempt to enter the password of an account. */
export interface Attempt {
  /** Normalised e-mail address. */
  readonly account: string;
  /** `device:…`, `address:…`, or `address:… device:…` for a device that counts per address. */
  readonly origin: string;
  readonly device: DeviceTrust;
  /** The session that asks for a change of password: it has its own limit, which logins elsewhere do not use up. */
  readonly sessionId?: string;
}

/**
 * How the account knows the device. The account's limit does not apply to a trusted device. Devices known only from an
 * earlier token version share a separate limit: attackers cannot use it up, and it does not grow with the number of devices.
 */
type DeviceTrust = 'trusted' | 'known' | 'unknown';

/** An attempt that counts as a failure until one of the methods takes it back. */
export interface CountedAttempt {
  /** The earlier failures of this origin. */
  readonly failedBefore: number;
  /** Call this if the password was not checked: takes the attempt back. */
  cancelled(): Promise<void>;
  /** Call this if the password was right: resets the origin's count, and takes the attempt back from the account's. */
  succeeded(): Promise<void>;
}

/** Where a login comes from. */
export interface LoginOrigin {
  readonly ip: string;
  /** The device, if its cookie shows that the account knows it. */
  readonly deviceId: string | null;
}

/** The kinds of mail that anybody can cause. */
const LIMITED_MAILS = [
  'password_reset',
  'email_verification',
  'email_taken',
  'email_change',
  'email_change_requested',
] as const satisfies readonly NotificationEvent['kind'][];

/** {@link ThrottleService.unlock} clears the count of each kind. */
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

/** Known devices also have their own limits, so an address with many of them is probably an office. */
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
      // Also in memory: services introspect the token of every request.
      clientFailures: new MemoryLimiter(throttle.failures, this.clock),
    };
  }

  get isOn(): boolean {
    return this.limiters !== null;
  }

  /**
   * Counts a request that may hash a password: for its address or, on a known device, for the device and for the address with a
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
   * limit, and somebody with a copy of the token at another address does not use it up.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  admitRefresh({ sessionId, ip }: { readonly sessionId: string; readonly ip: string }): void {
    assertAdmitted(this.limiters?.refresh.count(`session:${sessionId} ${clientAddress(ip)}`));
  }

  /**
   * Counts a refresh with an invalid signature, for its address.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  admitForgedRefresh(ip: string): void {
    assertAdmitted(this.limiters?.refresh.count(`address:${clientAddress(ip)}`));
  }

  /**
   * Checks the limit before a client's secret is compared. Only failures count, so a service can introspect without limit.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  async admitClient(attempt: string): Promise<void> {
    const waitMs = this.limiters?.clientFailures.waitMs(attempt) ?? 0;
    if (waitMs > 0) throw tooMany(waitMs);
  }

  /** Counts a wrong secret of a client. */
  async clientFailed(attempt: string): Promise<void> {
    this.limiters?.clientFailures.count(attempt);
  }

  /**
   * Whether another mail of this kind may go to the account. Only for mails that anybody can cause: each kind has its own
   * count, and all kinds share a count for the day. Call it only for existing users; otherwise an attacker can fill the
   * database with counts.
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
   * Whether a user may cause another mail to an address of their choice. They may name a new address each time, so the counts
   * of the addresses alone do not limit them. It has the size of the limit for a day.
   */
  async admitMailBy(userId: string): Promise<boolean> {
    const counted = await this.limiters?.dailyMails.consume(`by.${userId}`);
    return !counted || counted.retryAfterMs === null;
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

  /** Forgets the failures of some origins at an account, and those of the devices that count per address at one of them. */
  async forgive(account: string, origins: readonly string[]): Promise<void> {
    if (!this.limiters) return;
    const { failures } = this.limiters;
    for (const origin of origins) {
      const key = ownKeyOf({ account, origin });
      await failures.reset(key);
      // Ignores errors, as `reset` does: the password is set, and the counts end with their window.
      await failures.resetAll(`${key} `).catch(() => undefined);
    }
  }

  /** Forgets all wrong passwords for an account, from any origin, and the counts of its mails. */
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
 * Counts in both limits or in neither: if the second refuses, the count in the first is taken back.
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

/** Key in the account's limit; null if the attempt does not count there. */
function sharedKeyOf({ account, device, sessionId }: Attempt): string | null {
  if (device === 'trusted') return null;
  if (sessionId !== undefined) return `${keyOf(account)}.session:${sessionId}`;
  return device === 'known' ? `${keyOf(account)}.known` : keyOf(account);
}

/** Keys are hashed, so the counters hold no e-mail addresses. */
function keyOf(account: string): string {
  return createHash('sha256').update(account).digest('base64url');
}
