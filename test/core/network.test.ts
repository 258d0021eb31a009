import { describe, expect, it } from '@jest/globals';
import { isNearby, networkOf } from '../../src/core/network.js';

describe(networkOf, () => {
  it.each([
    ['203.0.113.7', '203.0.113.0/24'],
    ['::ffff:203.0.113.7', '203.0.113.0/24'],
    // IPv4 clients as seen by an IPv6-only service (RFC 6052); without this, all of IPv4 would be one client.
    ['64:ff9b::203.0.113.7', '203.0.113.0/24'],
    ['64:ff9b::cb00:7107', '203.0.113.0/24'],
    ['64:ff9b:1::cb00:7107', '64:ff9b:1::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['', null],
    ['nonsense', null],
  ])('%s belongs to %s', (ip, network) => {
    expect(networkOf(ip, { ipv4: 24, ipv6: 64 })).toBe(network);
  });

  it('cuts within a byte, and at length zero', () => {
    expect(networkOf('203.0.113.255', { ipv4: 28, ipv6: 56 })).toBe('203.0.113.240/28');
    expect(networkOf('203.0.113.7', { ipv4: 32, ipv6: 128 })).toBe('203.0.113.7/32');
    expect(networkOf('2001:db8:1:2ff::1', { ipv4: 24, ipv6: 56 })).toBe('2001:db8:1:200::/56');
  });
});

describe(isNearby, () => {
  it.each([
    '127.0.0.1',
    '::1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '::ffff:192.168.1.1',
    'fd00::1',
    'fe80::1',
    '169.254.1.1',
    '100.64.0.1',
  ])('%s may be a proxy', (address) => {
    expect(isNearby(address)).toBe(true);
  });

  it.each(['203.0.113.7', '8.8.8.8', '2606:4700::1111', '172.32.0.1', '100.128.0.1', '', 'localhost'])(
    '%j may be a stranger',
    (address) => {
      expect(isNearby(address)).toBe(false);
    },
  );
});
