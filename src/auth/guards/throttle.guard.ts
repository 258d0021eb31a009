import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { isKnownDevice } from '../../core/device-token.js';
import { normalizeEmail } from '../../core/email.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../core/options/resolve-options.js';
import { clientAddress } from '../../throttle/client-address.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { DeviceCookie } from '../device-cookie.js';
import { addressOf, type HttpRequest, requestOf } from '../http-request.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * Bounds the logins and registrations of an address. A device that is known to the account counts for itself.
 * @throws AuthError `TOO_MANY_ATTEMPTS`
 */
@Injectable()
export class LoginThrottleGuard extends RefusingGuard {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly throttle: ThrottleService,
    private readonly devices: DeviceCookie,
  ) {
    super();
  }

  protected override async admit(context: ExecutionContext): Promise<void> {
    await this.throttle.admitLogin(this.originOf(requestOf(context)));
  }

  private originOf(request: HttpRequest): string {
    // Before validation: the body may be anything.
    const email = (request.body as { email?: unknown } | null | undefined)?.email;
    const device = this.devices.read(request);
    return device &&
      typeof email === 'string' &&
      isKnownDevice(device, normalizeEmail(email), this.options.deviceKeys)
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
  constructor(private readonly throttle: ThrottleService) {
    super();
  }

  protected override async admit(context: ExecutionContext): Promise<void> {
    await this.throttle.admitRefresh(addressOf(requestOf(context)));
  }
}
