import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { stringifySetCookie } from 'cookie';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import {
  type DeviceAccount,
  deviceToken,
  parseDeviceToken,
  type PresentedDevice,
} from '../risk/device-token.js';
import { KeyRing } from '../tokens/keys/key-ring.js';
import { KnownDevices } from '../tokens/known-devices.js';
import { type CookieRequest, cookiesOf } from './http-request.js';
import { cookieAttributes, deviceCookieName } from './refresh-cookie.js';

const MAX_AGE_SECONDS = 180 * 86_400;

/**
 * The signed cookie that recognises a device on which an account logged in before. Other people's failed logins do not lock
 * such a device out, and its logins are not reported as from a new device.
 */
@Injectable()
export class DeviceCookie {
  private readonly name: string;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly adapterHost: HttpAdapterHost,
    private readonly keyRing: KeyRing,
    private readonly devices: KnownDevices,
  ) {
    this.name = deviceCookieName(options.refreshToken.cookie);
  }

  /** The device cookie. If there are several: the one that this account knows, or else the last one. @param email normalised */
  read(request: CookieRequest, email: string | null): PresentedDevice | null {
    const devices = cookiesOf(request, this.name)
      .map((value) => parseDeviceToken(value))
      .filter((device) => device !== null)
      .reverse();
    const known =
      devices.length > 1 && email !== null && devices.find((each) => this.devices.isKnown(each, email));
    return known || (devices[0] ?? null);
  }

  /**
   * Records that the account logged in on this device, or confirmed its identity there by mail.
   * @param isToLast if false, the cookie ends with the browser, unless the device was known before
   */
  set(request: CookieRequest, response: unknown, account: DeviceAccount, isToLast = true): void {
    const [key, ...otherKeys] = this.keyRing.deviceKeys;
    if (!key) return;
    const earlier = this.read(request, account.email);
    const id = earlier?.id ?? randomBytes(16).toString('base64url');
    const token = deviceToken(id, account, earlier, [key, ...otherKeys]);
    const attributes = cookieAttributes(
      this.options.refreshToken.cookie,
      isToLast || earlier ? MAX_AGE_SECONDS : null,
    );
    this.adapterHost.httpAdapter.appendHeader(
      response,
      'Set-Cookie',
      stringifySetCookie(this.name, token, attributes),
    );
  }
}
