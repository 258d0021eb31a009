import { describe, expect, it } from '@jest/globals';
import { isFamiliarLogin, isFirstLogin, type LoginTraits, vouches } from '../../src/core/familiar-device.js';

const chrome = (version: number, platform = 'X11; Linux x86_64') =>
  `Mozilla/5.0 (${platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0';
const HOME: LoginTraits = { ip: '203.0.113.9', userAgent: chrome(140), deviceId: null };

describe(isFamiliarLogin.name, () => {
  it.each<[string, Partial<LoginTraits>]>([
    ['the same browser with its cookies cleared', {}],
    ['a browser after an update', { userAgent: chrome(155) }],
    ['another address of the same network', { ip: '203.0.113.77' }],
    ['an IPv4 address written as IPv6', { ip: '::ffff:203.0.113.9' }],
  ])('is familiar: %s', (_case, change) => {
    expect(isFamiliarLogin({ ...HOME, ...change }, [HOME])).toBe(true);
  });

  it.each<[string, Partial<LoginTraits>]>([
    ['another browser', { userAgent: FIREFOX }],
    ['the same browser on another platform', { userAgent: chrome(140, 'Windows NT 10.0; Win64; x64') }],
    ['another network', { ip: '198.51.100.9' }],
    ['a program without a user agent', { userAgent: null }],
    ['something that is not an address', { ip: '' }],
  ])('is not familiar: %s', (_case, change) => {
    expect(isFamiliarLogin({ ...HOME, ...change }, [HOME])).toBe(false);
  });

  it('does not combine one login’s browser with another’s network', () => {
    const elsewhere = { ip: '198.51.100.9', userAgent: FIREFOX, deviceId: null };
    expect(isFamiliarLogin({ ...HOME, userAgent: FIREFOX }, [HOME, elsewhere])).toBe(false);
    expect(isFamiliarLogin(HOME, [elsewhere, HOME])).toBe(true);
  });

  it('recognises a device by its id anywhere, but never by a missing id', () => {
    const phone = { ip: '192.0.2.1', userAgent: 'Phone/1', deviceId: 'a-phone' };
    expect(isFamiliarLogin({ ...phone, ip: '2001:db8::1', userAgent: 'Phone/2' }, [phone])).toBe(true);
    expect(isFamiliarLogin({ ...phone, ip: '2001:db8::1', deviceId: 'another' }, [phone])).toBe(false);
    expect(isFamiliarLogin({ ...HOME, ip: '192.0.2.200' }, [{ ...phone, deviceId: null }])).toBe(false);
  });

  it('two unreadable addresses never count as the same', () => {
    const unknown = { ...HOME, ip: '' };
    expect(isFamiliarLogin(unknown, [unknown])).toBe(false);
  });

  it('recognises an IPv6 host with changing addresses by its /64', () => {
    const host = { ...HOME, ip: '2001:db8:1:2:aaaa::1' };
    expect(isFamiliarLogin({ ...host, ip: '2001:db8:1:2:bbbb::9' }, [host])).toBe(true);
    expect(isFamiliarLogin({ ...host, ip: '2001:db8:1:3::1' }, [host])).toBe(false);
  });
});

describe(isFirstLogin.name, () => {
  const created = new Date('2026-01-01T00:00:00Z');
  it.each([
    ['younger than the time after which sessions are forgotten', 6, true],
    ['older than that: an earlier session may be forgotten', 7, false],
  ])('for an account %s', (_case, days, isFirst) => {
    const at = new Date(created.getTime() + days * 86_400_000);
    expect(isFirstLogin(created, at, 7 * 86_400_000)).toBe(isFirst);
  });
});

describe(vouches.name, () => {
  it("makes a place familiar unless an attacker's session may have been ended there", () => {
    expect((['logged_out', 'evicted', 'replaced', null] as const).every(vouches)).toBe(true);
    const suspect = ['ended_by_user', 'password_changed', 'reuse_detected', 'suspicious_activity'] as const;
    expect(suspect.some(vouches)).toBe(false);
  });
});
