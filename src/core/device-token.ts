import { createHmac, timingSafeEqual } from 'node:crypto';

/** How many accounts one device is remembered for, the latest first. */
const MAX_ACCOUNTS = 5;
const DEVICE_ID = /^[A-Za-z0-9_-]{22}$/;

/**
 * What a device carries to be recognised at the next login: `id.mac.mac…`, one code for each account that logged in on
 * it. It opens nothing; it only keeps the failures of others from locking the owner out.
 */
export interface KnownDevice {
  readonly id: string;
  readonly codes: readonly string[];
}

/** The parts of a device token, believed by nobody yet; null where it has another form. */
export function parseDeviceToken(token: string | null): KnownDevice | null {
  const [id = '', ...codes] = (token ?? '').split('.');
  return DEVICE_ID.test(id) && codes.length > 0 && codes.length <= MAX_ACCOUNTS ? { id, codes } : null;
}

/** Whether an account logged in on the device before, under any key of the ring. */
export function isKnownDevice(device: KnownDevice, email: string, keys: readonly Uint8Array[]): boolean {
  return keys.some((key) => device.codes.some((code) => equal(code, codeOf(device.id, email, key))));
}

/** The token after a login: this account first, others that were on the device after it. */
export function deviceToken(id: string, email: string, earlier: KnownDevice | null, key: Uint8Array): string {
  const code = codeOf(id, email, key);
  const others = (earlier?.codes ?? []).filter((other) => other !== code);
  return [id, code, ...others].slice(0, MAX_ACCOUNTS + 1).join('.');
}

function codeOf(id: string, email: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(`${id}.${email}`).digest('base64url').slice(0, 22);
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
