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
import { type FoundDevice, KnownDevices } from '../../tokens/known-devices.js';
import type { NewSession } from '../../tokens/session-opener.js';
import { UsersService } from '../../users/users.service.js';

/** A password attempt, counted as a failure until `succeeded` or `cancelled` is called. */
export interface PasswordAttempt {
  /** Number of earlier wrong passwords from the same origin; 0 on a trusted device, where they are typing errors. */
  readonly failedBefore: number;
  /** The password was right. */
  succeeded(): Promise<void>;
  /** The password was not checked. Not for attempts that have cost a hash. */
  cancelled(): Promise<void>;
}

/** The sender of a request, without fingerprints. */
export type Requester = Pick<ClientTraits, 'ip' | 'userAgent' | 'device'>;

/**
 * The lockout rule. Wrong passwords count for their origin: the address, or the device if the account knows it
 * (`throttle.failures`). Those from unknown devices also count for the account (`throttle.accountFailures`). Known but
 * untrusted devices share a separate account count, and trusted devices have none, so nobody can lock out the owner. A device
 * that only a typed id names counts per address, so that others who type the same id do not lock it out.
 */
@Injectable()
export class PasswordLockout {
  /** User ids of locked e-mail addresses. */
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
      ? { account, origin: foundOrigin(found, client), device: found.isTrusted ? 'trusted' : 'known' }
      : { account, origin: addressOrigin(client), device: 'unknown' };
    return this.begin(attempt, { email: account, userId: null, source: eventSource(client) });
  }

  /**
   * For a password change. The holder of a stolen access token must not be able to guess the password, nor to keep the owner
   * from changing it. So attempts count per account and origin, which is a trusted device or an address; untrusted origins
   * also share a count per session.
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

  /** After a password reset: forgets earlier failures of this device and at its address, so that the owner can log in. */
  async forgive(email: string, client: Requester): Promise<void> {
    const { device } = client;
    await this.throttle.forgive(email, [addressOrigin(client), ...(device ? [deviceOrigin(device.id)] : [])]);
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

  /** Runs off the path of the request, so that the response time does not show whether the account exists. */
  private async report(who: Omit<AuthEvents['login.locked'], 'reason'>): Promise<void> {
    const userId = who.userId ?? (who.email === null ? null : await this.idOf(who.email));
    void this.events.emit('login.locked', { ...who, userId, reason: 'failure_limit' });
  }

  /** Cached for a while: requests beyond the limit must not cost queries. */
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

/** The address of a typed device comes first: {@link ThrottleService.forgive} then finds its devices. */
function foundOrigin({ id, isTyped }: FoundDevice, client: Requester): string {
  return isTyped ? `${addressOrigin(client)} ${deviceOrigin(id)}` : deviceOrigin(id);
}

function deviceOrigin(id: string): string {
  return `device:${id}`;
}
