import { type ExecutionContext, Injectable } from '@nestjs/common';
import { isKnownDevice } from '../../core/device-token.js';
import { normalizeEmail } from '../../core/email.js';
import { AuthError } from '../../core/errors.js';
import type { AuthEvents } from '../../core/events.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { clientAddress } from '../../throttle/client-address.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { KeyRing } from '../../tokens/key-ring.js';
import { DeviceCookie } from '../device-cookie.js';
import { addressOf, type HttpRequest, requestOf, sourceOf } from '../http-request.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * Bounds the logins and registrations of an address. A device that is known to the account counts for itself.
 * @throws AuthError `TOO_MANY_ATTEMPTS`
 */
@Injectable()
export class LoginThrottleGuard extends RefusingGuard {
  constructor(
    private readonly keyRing: KeyRing,
    private readonly throttle: ThrottleService,
    private readonly devices: DeviceCookie,
    private readonly events: AuthEventBus,
  ) {
    super();
  }

  protected override async admit(context: ExecutionContext): Promise<void> {
    const request = requestOf(context);
    await this.throttle
      .admitLogin(this.originOf(request))
      .catch((error: unknown) => refuse(error, 'login_limit', request, this.events));
  }

  private originOf(request: HttpRequest): string {
    // Before validation: the body may be anything.
    const email = (request.body as { email?: unknown } | null | undefined)?.email;
    const device = this.devices.read(request);
    return device &&
      typeof email === 'string' &&
      isKnownDevice(device, normalizeEmail(email), this.keyRing.deviceKeys)
      ? `device:${device.id}`
      : `address:${clientAddress(addressOf(request))}`;
  }
}

/**
 * Bounds the refreshes of an address.
 * @throws AuthError `TOO_MANY_ATTEMPTS`
 */
@Injectable()
export class RefreshThrottleGuard extends RefusingGuard {
  constructor(
    private readonly throttle: ThrottleService,
    private readonly events: AuthEventBus,
  ) {
    super();
  }

  protected override async admit(context: ExecutionContext): Promise<void> {
    const request = requestOf(context);
    await this.throttle
      .admitRefresh(addressOf(request))
      .catch((error: unknown) => refuse(error, 'refresh_limit', request, this.events));
  }
}

/** Of an address, whoever it asks for: what its body names is not even read. */
function refuse(
  error: unknown,
  reason: AuthEvents['login.locked']['reason'],
  request: HttpRequest,
  events: AuthEventBus,
): never {
  if (error instanceof AuthError && error.code === 'TOO_MANY_ATTEMPTS')
    void events.emit('login.locked', { email: null, userId: null, reason, source: sourceOf(request) });
  throw error;
}
