import { describe, expect, it } from '@jest/globals';
import { proxyTrust } from '../src/app/proxy-trust.js';
import type { TrustProxy } from '../src/config/settings.js';

describe(proxyTrust.name, () => {
  it.each<[TrustProxy, string, boolean]>([
    [false, '127.0.0.1', false],
    [true, '203.0.113.9', true],
    [0, '127.0.0.1', false],
    [2, '203.0.113.9', true],
    [['10.0.0.0/8'], '10.1.2.3', true],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
    [['10.0.0.0/8'], '203.0.113.9', false],
    [['10.0.0.0/8'], '10.1.2.3:443', true],
    [['2001:db8::/32'], '[2001:db8::1]:443', true],
    [['10.0.0.0/8'], 'unknown', false],
    [['loopback'], '::1', true],
    [['loopback'], '', false],
  ])('%j and a connection from %s: %s', (trust, address, isTrusted) =>
    expect(proxyTrust(trust)(address, 0)).toBe(isTrusted),
  );

  it('counts hops', () => {
    expect([0, 1, 2].map((hop) => proxyTrust(2)('203.0.113.9', hop))).toEqual([true, true, false]);
  });
});
