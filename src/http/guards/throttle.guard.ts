import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import type { AuthEvents } from '../../core/events.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { KnownDevices } from '../../tokens/known-devices.js';
import { TokenSigner } from '../../tokens/token-signer.js';
import { DeviceCookie } from '../device-cookie.js';
import { addressOf, emailIn, type HttpRequest, requestOf, sourceOf } from '../http-request.js';
import { PresentedRefreshTokens } from '../presented-refresh-tokens.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * Limits requests per address if they may cost a password hash. A device that the account knows has its own limit, and a
 * larger limit for its address.
 * @throws AuthError `TOO_MANY_ATTEMPTS`
 */
@Injectable()
export class LoginThrottleGuard extends RefusingGuard {
  constructor(
    private readonly throttle: ThrottleService,
    private readonly cookie: DeviceCookie,
    private readonly devices: KnownDevices,
    private readonly events: AuthEventBus,
  ) {
    super();
  }

  protected override async admit(context: ExecutionContext): Promise<void> {
    const request = requestOf(context);
    await this.throttle
      .admitLogin({ ip: addressOf(request), deviceId: this.knownDeviceOf(request) })
      .catch((error: unknown) => refuse(error, 'login_limit', request, this.events));
  }

  private knownDeviceOf(request: HttpRequest): string | null {
    // The body is not validated yet, so it may be anything.
    const email = emailIn(request.body);
    const device = this.cookie.read(request, email);
    return device && email !== null && this.devices.isKnown(device, email) ? device.id : null;
  }
}

/**
 * Limits refreshes: those with a validly signed token per session and address, those with forged tokens per address. So
 * forged tokens do not block other clients behind the same address, and a copied token does not block its owner at another
 * address.
 * @throws AuthError `TOO_MANY_ATTEMPTS`
 */
@Injectable()
export class RefreshThrottleGuard extends RefusingGuard {
  constructor(
    private readonly throttle: ThrottleService,
    private readonly presented: PresentedRefreshTokens,
    private readonly signer: TokenSigner,
    private readonly events: AuthEventBus,
  ) {
    super();
  }

  protected override admit(context: ExecutionContext): void {
    if (!this.throttle.isOn) return;
    const request = requestOf(context);
    const presented = this.presented.pick(request);
    // The next guard refuses it cheaply. Pages send such a request for each visitor who is not logged in.
    if (!presented) return;
    const claims = this.signer.verifyRefreshToken(presented.token);
    try {
      const ip = addressOf(request);
      if (claims) this.throttle.admitRefresh({ sessionId: claims.sid, ip });
      else this.throttle.admitForgedRefresh(ip);
    } catch (error) {
      refuse(error, 'refresh_limit', request, this.events);
    }
  }
}

/** The event has no user: the limit concerns the address, and the body is not validated yet. */
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
