import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { normalizeEmail } from '../../core/email.js';
import { AuthError } from '../../core/errors.js';
import type { AuthEvents } from '../../core/events.js';
import { MINUTE_MS } from '../../core/limits.js';
import { clientAddress } from '../../core/network.js';
import type { UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { type Attempt, ThrottleService } from '../../throttle/throttle.service.js';
import { type ClientTraits, eventSource } from '../../tokens/client-traits.js';
import { KnownDevices } from '../../tokens/known-devices.js';
import type { NewSession } from '../../tokens/session-opener.js';
import { UsersService } from '../../users/users.service.js';

/** An attempt at a password, counted as a failure until it turns out not to be one. */
export interface PasswordAttempt {
  /** Wrong passwords from the same origin before it; 0 on a trusted device, where its owner mistypes. */
  readonly failedBefore: number;
  /** The password was right. */
  succeeded(): Promise<void>;
  /** The password was not looked at. Not for attempts that have spent a hash. */
  cancelled(): Promise<void>;
}

/** The sender of a request, without fingerprints. */
export type Requester = Pick<ClientTraits, 'ip' | 'userAgent' | 'device'>;

/**
 * The lockout rule. Wrong passwords count for their origin: the address, or the device if the account knows it
 * (`throttle.failures`). Those from unknown devices also count for the account (`throttle.accountFailures`); those from
 * known devices that it does not trust have such a count of their own, and trusted ones none: nobody locks out the owner.
 */
@Injectable()
export class PasswordLockout {
  /** User ids of locked addresses. */
  private readonly ids = new LRUCache<string, Promise<string | null>>({ max: 1000, ttl: MINUTE_MS });

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly throttle: ThrottleService,
    private readonly devices: KnownDevices,
    private readonly events: AuthEventBus,
    private readonly users: UsersService,
  ) {}

  /** @throws AuthError `TOO_MANY_ATTEMPTS` */
  async beginLogin(email: string, request: NewSession, client: ClientTraits): Promise<PasswordAttempt> {
    const account = normalizeEmail(email);
    const found = this.options.throttle ? await this.devices.find(account, request, client) : null;
    const attempt: Attempt = found
      ? { account, origin: deviceOrigin(found.id), device: found.isTrusted ? 'trusted' : 'known' }
      : { account, origin: addressOrigin(client), device: 'unknown' };
    return this.begin(attempt, { email: account, userId: null, source: eventSource(client) });
  }

  /**
   * Before a change of password: the holder of an access token must not be able to guess the password, nor to keep its
   * owner from changing it. So the count is of the account and the origin, which is a trusted device or an address; other
   * origins also share one for the session.
   * @throws AuthError `TOO_MANY_ATTEMPTS`
   */
  async beginChange(user: UserRecord, sessionId: string, client: ClientTraits): Promise<PasswordAttempt> {
    const { id: userId, email: account } = user;
    const { device } = client;
    const attempt: Attempt =
      device && this.devices.isTrusted(device, user)
        ? { account, origin: deviceOrigin(device.id), device: 'trusted' }
        : { account, origin: addressOrigin(client), device: 'unknown', sessionId };
    return this.begin(attempt, { email: null, userId, source: eventSource(client) });
  }

  /** After a new password by a link: earlier failures in this browser and from its address do not lock its owner out. */
  async forgive(email: string, client: Requester): Promise<void> {
    const { device } = client;
    const origins = [addressOrigin(client), ...(device ? [deviceOrigin(device.id)] : [])];
    await this.throttle.forgive(email, origins);
  }

  private async begin(
    attempt: Attempt,
    who: Omit<AuthEvents['login.locked'], 'reason'>,
  ): Promise<PasswordAttempt> {
    const counted = await this.throttle.beginPasswordAttempt(attempt).catch((error: unknown) => {
      if (error instanceof AuthError && error.code === 'TOO_MANY_ATTEMPTS') void this.report(who);
      throw error;
    });
    return attempt.device === 'trusted' ? { ...counted, failedBefore: 0 } : counted;
  }

  /** Off the path of the request, so that its time does not show whether the account exists. */
  private async report(who: Omit<AuthEvents['login.locked'], 'reason'>): Promise<void> {
    const userId = who.userId ?? (who.email === null ? null : await this.idOf(who.email));
    void this.events.emit('login.locked', { ...who, userId, reason: 'failure_limit' });
  }

  /** Remembered for a while: a request beyond the limit must not cost a query. */
  private idOf(email: string): Promise<string | null> {
    const known = this.ids.get(email);
    if (known) return known;
    const id = this.users.findByEmail(email).then(
      (user) => user?.id ?? null,
      () => null,
    );
    this.ids.set(email, id);
    return id;
  }
}

function addressOrigin({ ip }: Requester): string {
  return `address:${clientAddress(ip)}`;
}

function deviceOrigin(id: string): string {
  return `device:${id}`;
}
