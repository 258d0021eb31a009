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
 * The signed cookie that recognises a device on which an account logged in before: the failures of others do not lock it
 * out, and its logins are not reported as those of a new device.
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

  /** Of several cookies the one that this account knows, else the one that the browser got last. @param email normalised */
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
   * Remembers that the account logged in on this device, or proved there by mail who it is.
   * @param isToLast false: until the browser ends, unless the device was known before
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
