import { describe, expect, it } from '@jest/globals';
import { deviceCookieName, hintCookieName, refreshCookieName } from '../../src/http/refresh-cookie.js';
import type { ResolvedCookieOptions } from '../../src/options/refresh-token.options.js';

const PLAIN: ResolvedCookieOptions = {
  name: 'refresh_token',
  domain: null,
  path: '/',
  secure: false,
  sameSite: 'strict',
  partitioned: false,
};

describe('the names of cookies', () => {
  it.each([
    [{}, ['refresh_token', 'device']],
    [{ secure: true }, ['__Host-refresh_token', '__Host-device']],
    [{ secure: true, path: '/auth' }, ['__Secure-refresh_token', '__Secure-device']],
    // Two services on one host must not share the device cookie either.
    [{ name: 'refresh_token_4200' }, ['refresh_token_4200', 'refresh_token_4200_device']],
  ])('%o', (over, names) => {
    const options = { ...PLAIN, ...over };
    expect([refreshCookieName(options), deviceCookieName(options)]).toEqual(names);
    expect(hintCookieName(options)).toBe(`${options.name}_hint`);
  });
});
