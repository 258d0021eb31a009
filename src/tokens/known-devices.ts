import { Inject, Injectable } from '@nestjs/common';
import { clientAddress } from '../core/network.js';
import { CLOCK, type Clock, USER_STORE, type UserRecord, type UserStore } from '../core/ports.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshTokenStore,
  type SessionLogin,
} from '../core/refresh-token.store.js';
import {
  type DeviceAccount,
  isKnownDevice,
  isTrustedDevice,
  type PresentedDevice,
} from '../risk/device-token.js';
import type { ClientTraits } from './client-traits.js';
import { KeyRing } from './keys/key-ring.js';
import type { NewSession } from './session-opener.js';

/** A device on which the account logged in before. */
export interface FoundDevice {
  /** A unique key for the throttle. */
  readonly id: string;
  /** Whether the account logged in there under its current token version. */
  readonly isTrusted: boolean;
  /** Whether only a `deviceId` in the request names it. Others can type the same id, so count it per address. */
  readonly isTyped: boolean;
}

/**
 * Which devices an account knows: those where it logged in before, as shown by the device cookie or (in body transport)
 * the `deviceId` of an earlier session. It trusts those where it logged in under its current token version.
 *
 * A cookie is signed, but anybody can type a `deviceId`, which may be as easy to guess as the model of a phone. So an account
 * trusts an id only at an address from which it logged in with this id; elsewhere the device is known, but not trusted.
 */
@Injectable()
export class KnownDevices {
  constructor(
    private readonly keyRing: KeyRing,
    @Inject(REFRESH_TOKEN_STORE) private readonly sessions: RefreshTokenStore,
    @Inject(USER_STORE) private readonly users: UserStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Whether the cookie belongs to the account, whatever its age. @param email normalised */
  isKnown(device: PresentedDevice, email: string): boolean {
    return isKnownDevice(device, email, this.keyRing.deviceKeys);
  }

  /** Whether the cookie belongs to the account and comes from a login under this token version. */
  isTrusted(device: PresentedDevice | null | undefined, account: DeviceAccount): boolean {
    return device ? isTrustedDevice(device, account, this.keyRing.deviceKeys) : false;
  }

  /** The device of a login, if the account knows it. @param email normalised */
  async find(
    email: string,
    { transport, deviceId }: NewSession,
    { device, ip }: ClientTraits,
  ): Promise<FoundDevice | null> {
    if (device && this.isKnown(device, email)) {
      const user = await this.users.findByEmail(email);
      return { id: device.id, isTrusted: user !== null && this.isTrusted(device, user), isTyped: false };
    }
    if (transport !== 'body' || !deviceId) return null;
    // The same queries run for unknown accounts, so that the response time does not reveal them.
    const user = await this.users.findByEmail(email);
    const [isKnown, isCurrent] = await Promise.all([
      this.sessions.hasDevice(user?.id ?? '', deviceId),
      this.sessions.hasDevice(user?.id ?? '', deviceId, user?.tokenVersion ?? ''),
    ]);
    if (!user || !isKnown) return null;
    const isTrusted = isCurrent && (await this.hasLoggedInFrom(ip, deviceId, user));
    return { id: `${user.id}.${deviceId}`, isTrusted, isTyped: true };
  }

  /** Whether the latest login with this device id from this address was under the current token version. */
  private async hasLoggedInFrom(ip: string, deviceId: string, user: UserRecord): Promise<boolean> {
    const address = clientAddress(ip);
    const isHere = (each: SessionLogin) => each.deviceId === deviceId && clientAddress(each.ip) === address;
    const live = await this.sessions.findLogins(user.id, new Date(this.clock.now()));
    const login = live.find(isHere) ?? (await this.sessions.findEndedLogins(user.id)).find(isHere);
    const session = login && (await this.sessions.findById(login.id));
    return session?.tokenVersion === user.tokenVersion;
  }
}
