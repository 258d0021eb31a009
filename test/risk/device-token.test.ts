import { describe, expect, it } from '@jest/globals';
import {
  deviceToken,
  isKnownDevice,
  isTrustedDevice,
  parseDeviceToken,
} from '../../src/risk/device-token.js';

const ID = 'A'.repeat(22);
const KEY = new Uint8Array(32).fill(1);
const OTHER_KEY = new Uint8Array(32).fill(2);
const ANN = { email: 'ann@example.com', tokenVersion: 'version-1' };
const CHANGED_ANN = { ...ANN, tokenVersion: 'version-2' };

const parsed = (token: string) => {
  const device = parseDeviceToken(token);
  if (!device) throw new Error(`not a device token: ${token}`);
  return device;
};

describe('the device token', () => {
  it('makes a device known to the account that logged in on it, and to no other', () => {
    const device = parsed(deviceToken(ID, ANN, null, [KEY]));
    expect(isKnownDevice(device, ANN.email, [KEY])).toBe(true);
    expect(isTrustedDevice(device, ANN, [KEY])).toBe(true);
    expect(isKnownDevice(device, 'bob@example.com', [KEY])).toBe(false);
    expect(isTrustedDevice(device, { ...ANN, email: 'bob@example.com' }, [KEY])).toBe(false);
  });

  it('contains one code for each account, and nothing else', () => {
    const token = deviceToken(ID, ANN, null, [KEY]);
    expect(token).toMatch(/^A{22}\.[A-Za-z0-9_-]{30}$/);
    const bob = { email: 'bob@example.com', tokenVersion: 'version-7' };
    const both = parsed(deviceToken(ID, bob, parsed(token), [KEY]));
    expect(both.codes).toHaveLength(2);
    for (const { email } of [ANN, bob]) expect(isKnownDevice(both, email, [KEY])).toBe(true);
  });

  it('is refused in any other form, and not kept', () => {
    const code = 'c'.repeat(30);
    for (const other of [
      null,
      '',
      ID,
      `${ID}.`,
      `${ID}x.${code}`,
      `x${ID}.${code}`,
      `.${code}`,
      `${ID}.${code}c`,
    ])
      expect(parseDeviceToken(other)).toBeNull();
    expect(parseDeviceToken(`${ID}.c;.${code}..${code}=`)).toEqual({ id: ID, codes: [code] });
    expect(parseDeviceToken([ID, ...Array.from({ length: 9 }, () => code)].join('.'))?.codes).toHaveLength(5);
  });

  it('is trusted until the account’s token version changes, and again after another login', () => {
    const before = parsed(deviceToken(ID, ANN, null, [KEY]));
    expect(isTrustedDevice(before, CHANGED_ANN, [KEY])).toBe(false);
    expect(isKnownDevice(before, ANN.email, [KEY])).toBe(true);
    const after = parsed(deviceToken(ID, CHANGED_ANN, before, [KEY]));
    expect(isTrustedDevice(after, CHANGED_ANN, [KEY])).toBe(true);
    // It does not keep the outdated code either.
    expect(isTrustedDevice(after, ANN, [KEY])).toBe(false);
    expect(after.codes).toHaveLength(1);
  });

  it('is bound to its version: nobody can change it to another', () => {
    const [code = ''] = parsed(deviceToken(ID, ANN, null, [KEY])).codes;
    const [now = ''] = parsed(deviceToken('B'.repeat(22), CHANGED_ANN, null, [KEY])).codes;
    const forged = { id: ID, codes: [code.slice(0, 22) + now.slice(22)] };
    expect(isTrustedDevice(forged, CHANGED_ANN, [KEY])).toBe(false);
    expect(isKnownDevice(forged, ANN.email, [KEY])).toBe(false);
  });

  it('survives a key rotation, and a forged one identifies nobody', () => {
    const device = parsed(deviceToken(ID, ANN, null, [KEY]));
    const isKnown = (keys: Uint8Array[], seen = device) => [
      isKnownDevice(seen, ANN.email, keys),
      isTrustedDevice(seen, ANN, keys),
    ];
    expect(isKnown([OTHER_KEY, KEY])).toEqual([true, true]);
    expect(isKnown([OTHER_KEY])).toEqual([false, false]);
    expect(isKnown([KEY], { ...device, id: 'B'.repeat(22) })).toEqual([false, false]);
    expect(parsed(deviceToken(ID, ANN, device, [OTHER_KEY, KEY])).codes).toHaveLength(1);
  });

  it('remembers the last five accounts, each once', () => {
    const account = (name: string) => ({ email: `${name}@x.example`, tokenVersion: name });
    let token = deviceToken(ID, ANN, null, [KEY]);
    for (const name of ['a', 'b', 'c', 'd', 'a', 'e'])
      token = deviceToken(ID, account(name), parsed(token), [KEY]);
    const known = [ANN, ...['a', 'b', 'c', 'd', 'e'].map(account)].map((each) =>
      isTrustedDevice(parsed(token), each, [KEY]),
    );
    expect(known).toEqual([false, true, true, true, true, true]);
    expect(token.split('.')).toHaveLength(6);
  });

  it.each([null, '', 'x', ID, `${ID}.`.repeat(9), `${'A'.repeat(21)}.code`, `${ID}.1.2.3.4.5.6`])(
    '%j is refused',
    (token) => {
      const device = parseDeviceToken(token);
      expect(device === null || !isKnownDevice(device, ANN.email, [KEY])).toBe(true);
      expect(device === null || !isTrustedDevice(device, ANN, [KEY])).toBe(true);
    },
  );
});
