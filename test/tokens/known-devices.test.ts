import { beforeEach, describe, expect, it } from '@jest/globals';
import type { UserRecord } from '../../src/core/ports.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { deviceToken, parseDeviceToken, type PresentedDevice } from '../../src/risk/device-token.js';
import { KeyRing } from '../../src/tokens/keys/key-ring.js';
import { KnownDevices } from '../../src/tokens/known-devices.js';

const ACCESS = ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'];
const [OLD, NEW] = ['nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk', 'g7RkWq2ZbN5tYx0cVd8mLs4uHj1fPa6eQi'];
const EMAIL = 'user@example.com';
const USER = { id: 'user-1', email: EMAIL, tokenVersion: 'v2' } as UserRecord;
const COOKIE = { transport: 'cookie' } as const;
const ID = 'A'.repeat(22);
const ADDRESS = '192.0.2.1';

let ring: KeyRing;
let devices: KnownDevices;
let users: UserRecord[];
/** Earlier sessions, as `user device version address`; with `ended` at the end, they have ended. */
let begun: string[];
let asked: string[];

beforeEach(() => {
  [users, begun, asked] = [[USER], [], []];
  const options = resolveOptions({
    issuer: 'https://issuer.example.com',
    keys: { access: ACCESS, refresh: [OLD] },
  });
  ring = new KeyRing(options, new AuthEventBus(null));
  const hasDevice = async (userId: string, deviceId: string, tokenVersion?: string) => {
    asked.push(`${deviceId} ${tokenVersion === undefined ? 'ever' : 'now'}`);
    const prefix = `${userId} ${deviceId} ${tokenVersion ?? ''}`;
    return begun.some((each) => each.startsWith(prefix));
  };
  const findByEmail = async (email: string) => {
    asked.push('user');
    return users.find((user) => user.email === email) ?? null;
  };
  const sessions = () =>
    begun.map((each, index) => {
      const [userId, deviceId = '', tokenVersion, ip, ended] = each.split(' ');
      return {
        id: `${index}`,
        userId,
        deviceId,
        tokenVersion,
        ip: ip ?? ADDRESS,
        isEnded: ended === 'ended',
      };
    });
  const logins = async (userId: string, isEnded: boolean) =>
    sessions().filter((each) => each.userId === userId && each.isEnded === isEnded);
  const store = {
    hasDevice,
    findLogins: async (userId: string) => logins(userId, false),
    findEndedLogins: async (userId: string) => logins(userId, true),
    findById: async (id: string) => sessions()[Number(id)] ?? null,
  };
  devices = new KnownDevices(ring, store as never, { findByEmail } as never, { now: () => 0 });
});

/** The cookie of a device on which these accounts logged in. */
function cookieOf(...accounts: { email: string; tokenVersion: string }[]): PresentedDevice {
  const [key] = ring.deviceKeys;
  if (!key) throw new Error('there is a key');
  const device = accounts.reduce<PresentedDevice | null>(
    (earlier, account) => parseDeviceToken(deviceToken(ID, account, earlier, [key])),
    null,
  );
  if (!device) throw new Error('no account');
  return device;
}

const client = (device?: PresentedDevice | null) => ({
  ip: ADDRESS,
  userAgent: null,
  fingerprints: [],
  device,
});
const find = (
  device: PresentedDevice | null | undefined,
  request: Parameters<KnownDevices['find']>[1] = COOKIE,
) => devices.find(EMAIL, request, client(device));

describe('a device with a cookie', () => {
  it('is trusted after a login with the present token version', async () => {
    expect(await find(cookieOf(USER))).toEqual({ id: ID, isTrusted: true, isTyped: false });
  });

  it('is known but not trusted after an earlier token version: it may be the reason for the password change', async () => {
    expect(await find(cookieOf({ ...USER, tokenVersion: 'v1' }))).toEqual({
      id: ID,
      isTrusted: false,
      isTyped: false,
    });
  });

  it('is unknown to other accounts', async () => {
    const other = { email: 'other@example.com', tokenVersion: 'v2' };
    expect(await find(cookieOf(other))).toBeNull();
    expect(await find(cookieOf(other, USER))).toEqual({ id: ID, isTrusted: true, isTyped: false });
  });

  it('of an account that is gone is known, and not trusted', async () => {
    users = [];
    expect(await find(cookieOf(USER))).toEqual({ id: ID, isTrusted: false, isTyped: false });
  });

  it('stays known after a key rotation until the old key is removed', async () => {
    const device = cookieOf(USER);
    ring.replace({ access: ACCESS, refresh: [NEW ?? '', OLD ?? ''] });
    expect(await find(device)).toEqual({ id: ID, isTrusted: true, isTyped: false });
    ring.replace({ access: ACCESS, refresh: [NEW ?? ''] });
    expect(await find(device)).toBeNull();
  });

  it('is known only for its own account', () => {
    expect(devices.isKnown(cookieOf(USER), EMAIL)).toBe(true);
    expect(devices.isKnown(cookieOf(USER), 'other@example.com')).toBe(false);
    expect(devices.isTrusted(cookieOf(USER), USER)).toBe(true);
    expect(devices.isTrusted(cookieOf(USER), { ...USER, tokenVersion: 'v3' })).toBe(false);
    for (const none of [null, undefined]) expect(devices.isTrusted(none, USER)).toBe(false);
  });
});

describe('a device in body transport', () => {
  const body = (deviceId?: string) => ({ transport: 'body', deviceId }) as const;

  it('is known by the id of an earlier session, and named for this user only', async () => {
    begun = ['user-1 phone v1'];
    expect(await find(null, body('phone'))).toEqual({ id: 'user-1.phone', isTrusted: false, isTyped: true });
    begun = ['user-1 phone v2'];
    expect(await find(undefined, body('phone'))).toEqual({
      id: 'user-1.phone',
      isTrusted: true,
      isTyped: true,
    });
  });

  it.each([
    ['trusted at an address of a live session', true, ['user-1 phone v2 192.0.2.1']],
    ['trusted at an address of an ended session', true, ['user-1 phone v2 192.0.2.1 ended']],
    ['not trusted at any other address: others can type the id', false, ['user-1 phone v2 192.0.2.9']],
    [
      'not trusted where another device logged in',
      false,
      ['user-1 phone v2 192.0.2.9', 'user-1 tablet v2 192.0.2.1'],
    ],
    [
      'not trusted where it logged in under an earlier token version: that may have been a thief',
      false,
      ['user-1 phone v2 192.0.2.9', 'user-1 phone v1 192.0.2.1 ended'],
    ],
  ])('is %s', async (_case, isTrusted, sessions) => {
    begun = sessions;
    expect(await find(null, body('phone'))).toEqual({ id: 'user-1.phone', isTrusted, isTyped: true });
  });

  it('is trusted in the whole IPv6 network of a subscriber, whose address changes every day', async () => {
    begun = ['user-1 phone v2 2001:db8::1'];
    const at = (ip: string) => devices.find(EMAIL, body('phone'), { ...client(), ip });
    expect(await at('2001:db8::2')).toMatchObject({ isTrusted: true });
    expect(await at('2001:db8:0:1::1')).toMatchObject({ isTrusted: false });
  });

  it('is unknown if no session began with its id, or without an id', async () => {
    begun = ['user-1 tablet v2', 'user-2 phone v2'];
    expect(await find(null, body('phone'))).toBeNull();
    for (const none of [undefined, '']) expect(await find(null, body(none))).toBeNull();
  });

  it('is not known by its id in the cookie transport, where anybody can set one', async () => {
    begun = ['user-1 phone v2'];
    expect(await find(null, { ...COOKIE, deviceId: 'phone' })).toBeNull();
    expect(asked).toEqual([]);
  });

  it('runs the same query for an account that does not exist, so the time reveals nothing', async () => {
    await find(null, body('phone'));
    const ofUser = asked;
    [users, asked] = [[], []];
    begun = [' phone '];
    expect(await find(null, body('phone'))).toBeNull();
    expect(asked).toEqual(ofUser);
    expect(asked).toEqual(['user', 'phone ever', 'phone now']);
  });

  it('with another account’s cookie is still known by its id', async () => {
    begun = ['user-1 phone v2'];
    const other = cookieOf({ email: 'other@example.com', tokenVersion: 'v2' });
    expect(await find(other, body('phone'))).toEqual({ id: 'user-1.phone', isTrusted: true, isTyped: true });
  });
});
