import { createHash, createHmac } from 'node:crypto';
import { isSameText } from '../core/base64url.js';

/** Maximum number of accounts that one device token remembers, the latest first. */
const MAX_ACCOUNTS = 5;
const DEVICE_ID = /^[A-Za-z0-9_-]{22}$/;
const MAC_LENGTH = 22;
const MARK_LENGTH = 8;
const CODE = new RegExp(`^[A-Za-z0-9_-]{${MAC_LENGTH + MARK_LENGTH}}$`);

/**
 * What a device sends to be recognised at the next login: `id.code.code…`, one code for each account that logged in on it. It
 * grants no access. It only prevents that failures of others lock the owner out, and that known devices are reported as new.
 * A code is a MAC and a mark, which the MAC covers; the mark identifies the account's token version at that login.
 */
export interface PresentedDevice {
  readonly id: string;
  readonly codes: readonly string[];
}

/** The account that is checked against a device, in its current state. */
export interface DeviceAccount {
  /** Normalised. */
  readonly email: string;
  readonly tokenVersion: string;
}

/**
 * The parts of a device token, not yet verified; null if it has another form. Parts that are not codes are dropped: they would
 * end up in the next token, and a cookie may not allow them.
 */
export function parseDeviceToken(token: string | null): PresentedDevice | null {
  const [id = '', ...parts] = (token ?? '').split('.');
  const codes = parts.filter((part) => CODE.test(part)).slice(0, MAX_ACCOUNTS);
  return DEVICE_ID.test(id) && codes.length > 0 ? { id, codes } : null;
}

/** Whether an account ever logged in on the device, under any key of the ring. */
export function isKnownDevice(device: PresentedDevice, email: string, keys: readonly Uint8Array[]): boolean {
  return device.codes.some((code) => isCodeOf(code, device.id, email, keys));
}

/**
 * Whether it did so under its current token version: after the last change of password and the last end of all its sessions.
 * An older device may be the reason for that change.
 */
export function isTrustedDevice(
  device: PresentedDevice,
  { email, tokenVersion }: DeviceAccount,
  keys: readonly Uint8Array[],
): boolean {
  const mark = markOf(tokenVersion);
  return device.codes.some(
    (code) => code.slice(MAC_LENGTH) === mark && isCodeOf(code, device.id, email, keys),
  );
}

/**
 * The token after a login: this account first, then the other accounts of the device.
 * @param keys the keys of the ring; the first signs
 */
export function deviceToken(
  id: string,
  { email, tokenVersion }: DeviceAccount,
  earlier: PresentedDevice | null,
  keys: readonly [Uint8Array, ...Uint8Array[]],
): string {
  const mark = markOf(tokenVersion);
  const others = (earlier?.codes ?? []).filter((code) => !isCodeOf(code, id, email, keys));
  return [id, macOf(id, email, mark, keys[0]) + mark, ...others].slice(0, MAX_ACCOUNTS + 1).join('.');
}

function isCodeOf(code: string, id: string, email: string, keys: readonly Uint8Array[]): boolean {
  const [mac, mark] = [code.slice(0, MAC_LENGTH), code.slice(MAC_LENGTH)];
  return keys.some((key) => isSameText(mac, macOf(id, email, mark, key)));
}

function macOf(id: string, email: string, mark: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(`${id}.${mark}.${email}`).digest('base64url').slice(0, MAC_LENGTH);
}

/** Short fingerprint of a token version; reveals nothing about it. */
function markOf(tokenVersion: string): string {
  return createHash('sha256').update(`device.${tokenVersion}`).digest('base64url').slice(0, MARK_LENGTH);
}
