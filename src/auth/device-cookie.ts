import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { stringifySetCookie } from 'cookie';
import {
  type DeviceAccount,
  deviceToken,
  isTrustedDevice,
  type KnownDevice,
  parseDeviceToken,
} from '../core/device-token.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { cookieName, readCookie, type RefreshRequest } from '../tokens/refresh-token.extractor.js';
import { KeyRing } from '../tokens/key-ring.js';
import { cookieAttributes } from './refresh-cookie.js';

const MAX_AGE_SECONDS = 180 * 86_400;

/**
 * The signed cookie by which a device that logged in before is recognised: it is not locked out by the failures of others,
 * and nobody is told of it as of a new one.
 */
@Injectable()
export class DeviceCookie {
  private readonly name: string;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly adapterHost: HttpAdapterHost,
    private readonly keyRing: KeyRing,
  ) {
    this.name = cookieName('device', options.refreshToken.cookie);
  }

  read(request: RefreshRequest): KnownDevice | null {
    return parseDeviceToken(readCookie(request, this.name));
  }

  /** Remembers that the account logged in on this device. */
  set(request: RefreshRequest, response: unknown, account: DeviceAccount): void {
    const [key, ...otherKeys] = this.keyRing.deviceKeys;
    if (!key) return;
    const earlier = this.read(request);
    const id = earlier?.id ?? randomBytes(16).toString('base64url');
    const token = deviceToken(id, account, earlier, [key, ...otherKeys]);
    const attributes = cookieAttributes(this.options.refreshToken.cookie, MAX_AGE_SECONDS);
    this.adapterHost.httpAdapter.appendHeader(
      response,
      'Set-Cookie',
      stringifySetCookie(this.name, token, attributes),
    );
  }

  /** A device that the account trusted before it changed is trusted on; no other one becomes so. */
  keep(request: RefreshRequest, response: unknown, before: DeviceAccount, after: DeviceAccount): void {
    const device = this.read(request);
    if (device && isTrustedDevice(device, before, this.keyRing.deviceKeys))
      this.set(request, response, after);
  }
}
