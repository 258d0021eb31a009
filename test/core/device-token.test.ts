import { describe, expect, it } from '@jest/globals';
import { deviceToken, isKnownDevice, parseDeviceToken } from '../../src/core/device-token.js';

const ID = 'A'.repeat(22);
const KEY = new Uint8Array(32).fill(1);
const OTHER_KEY = new Uint8Array(32).fill(2);

const parsed = (token: string) => {
  const device = parseDeviceToken(token);
  if (!device) throw new Error(`not a device token: ${token}`);
  return device;
};

describe('the device token', () => {
  it('makes a device known to the account that logged in on it, and to no other', () => {
    const device = parsed(deviceToken(ID, 'ann@example.com', null, KEY));
    expect(isKnownDevice(device, 'ann@example.com', [KEY])).toBe(true);
    expect(isKnownDevice(device, 'bob@example.com', [KEY])).toBe(false);
  });

  it('outlives a rotation of keys, and a forged one is known to nobody', () => {
    const device = parsed(deviceToken(ID, 'ann@example.com', null, KEY));
    expect(isKnownDevice(device, 'ann@example.com', [OTHER_KEY, KEY])).toBe(true);
    expect(isKnownDevice(device, 'ann@example.com', [OTHER_KEY])).toBe(false);
    expect(isKnownDevice({ ...device, id: 'B'.repeat(22) }, 'ann@example.com', [KEY])).toBe(false);
  });

  it('remembers the last five accounts, each once', () => {
    let token = deviceToken(ID, 'ann@example.com', null, KEY);
    for (const name of ['a', 'b', 'c', 'd', 'a', 'e'])
      token = deviceToken(ID, `${name}@x.example`, parsed(token), KEY);
    const known = ['ann@example.com', ...['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@x.example`)].map(
      (email) => isKnownDevice(parsed(token), email, [KEY]),
    );
    expect(known).toEqual([false, true, true, true, true, true]);
    expect(token.split('.')).toHaveLength(6);
  });

  it.each([null, '', 'x', ID, `${ID}.`.repeat(9), `${'A'.repeat(21)}.code`, `${ID}.1.2.3.4.5.6`])(
    '%j is none',
    (token) => {
      const device = parseDeviceToken(token);
      expect(device === null || !isKnownDevice(device, 'ann@example.com', [KEY])).toBe(true);
    },
  );
});
