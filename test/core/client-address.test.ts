import { describe, expect, it } from '@jest/globals';
import { clientAddress, readAddress } from '../../src/core/network.js';

describe(clientAddress, () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['::1', '::/64'],
    ['', 'unknown'],
    ['not an address', 'unknown'],
  ])('%s counts as %s', (ip, expected) => {
    expect(clientAddress(ip)).toBe(expected);
  });
});

describe(readAddress, () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:51234', '203.0.113.9'],
    ['  203.0.113.9 ', '203.0.113.9'],
    ['"203.0.113.9:51234"', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['[::ffff:203.0.113.9]:51234', '203.0.113.9'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:51234', '2001:db8::1'],
    ['"[2001:db8::1]:51234"', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1:51234', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['::1', '::1'],
  ])('reads %s as %s', (text, address) => expect(readAddress(text)).toBe(address));

  it.each([
    '',
    'unknown',
    '_hidden',
    'example.com',
    'example.com:443',
    '203.0.113',
    '203.0.113.009',
    '203.0.113.9:port',
    '203.0.113.9:512345',
    '203.0.113.9, 10.0.0.1',
    '0x7f.1',
    '[203.0.113.9',
    // Zones that Node.js accepts.
    'fe80::1%eth0:1',
    '[fe80::1%640:0:6f]:443',
    '<b>',
    'x'.repeat(12_000),
    `fe80::1%${'x'.repeat(12_000)}`,
  ])('finds no address in %j', (text) => expect(readAddress(text)).toBeNull());
});
