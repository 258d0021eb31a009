import { describe, expect, it } from '@jest/globals';
import type { HttpAdapterHost } from '@nestjs/core';
import { extractAccessToken } from '../../src/http/access-token-header.js';
import { cookiesOf } from '../../src/http/http-request.js';
import {
  cookieName,
  hintCookieName,
  RefreshCookie,
  refreshCookieName,
} from '../../src/http/refresh-cookie.js';
import type { ResolvedAuthOptions } from '../../src/options/resolve-options.js';

describe(extractAccessToken.name, () => {
  const extract = (authorization?: string | string[]) => extractAccessToken({ headers: { authorization } });

  it.each(['Bearer token', 'bearer token', 'BEARER token', 'Bearer   token  ', 'bEARER token '])(
    'reads the token from %j',
    (header) => {
      expect(extract(header)).toBe('token');
    },
  );

  it.each([
    undefined,
    '',
    'token',
    'Bearer',
    'Bearer ',
    'Bearer    ',
    'Bearertoken',
    'Basic token',
    'xBearer token',
  ])('finds no token in %j', (header) => {
    expect(extract(header)).toBeNull();
  });

  it('finds no token in a header that was sent twice', () => {
    expect(extract(['Bearer a', 'Bearer b'])).toBeNull();
  });

  it('treats an overlong token as an invalid one', () => {
    expect(extract(`Bearer ${'t'.repeat(8192)}`)).toBe('t'.repeat(8192));
    expect(extract(`Bearer ${'t'.repeat(8193)}`)).toBe('');
  });
});

describe(cookieName.name, () => {
  it.each([
    [{ domain: null, path: '/', secure: true }, '__Host-x'],
    [{ domain: 'example.com', path: '/', secure: true }, '__Secure-x'],
    [{ domain: null, path: '/auth', secure: true }, '__Secure-x'],
    [{ domain: null, path: '/', secure: false }, 'x'],
  ])('for %j is %s (RFC 6265bis §4.1.3)', (options, name) => {
    expect(cookieName('x', options as never)).toBe(name);
  });

  it('is the configured one for the refresh token', () => {
    const options = { name: 'rt', domain: null, path: '/', secure: true } as never;
    expect(refreshCookieName(options)).toBe('__Host-rt');
    expect(hintCookieName(options)).toBe('rt_hint');
  });
});

describe(cookiesOf.name, () => {
  it.each([
    ['a=1; b=2', ['2']],
    [['a=1', 'b=2'], ['2']],
    ['a=1', []],
    ['b=', []],
    [undefined, []],
  ])('reads %j as %j', (cookie, value) => {
    expect(cookiesOf({ headers: { cookie } }, 'b')).toEqual(value);
  });
});

describe(RefreshCookie.name, () => {
  const options = {
    refreshToken: { cookie: { name: 'refresh_token', domain: null, path: '/', secure: false } },
  };
  const refreshCookie = new RefreshCookie(options as ResolvedAuthOptions, {} as HttpAdapterHost);
  const extract = (body: unknown, cookie?: string) =>
    refreshCookie.readAll({ headers: cookie === undefined ? {} : { cookie }, body });

  it('takes the token in the body, and then ignores the cookie', () => {
    const presented = [{ token: 'b', transport: 'body' }];
    expect(extract({ refreshToken: 'b' })).toEqual(presented);
    expect(extract({ refreshToken: 'b' }, 'refresh_token=c')).toEqual(presented);
    expect(extract({ refreshToken: '' }, 'refresh_token=c')).toEqual([{ token: '', transport: 'body' }]);
  });

  it.each([
    undefined,
    null,
    'text',
    {},
    { refreshToken: null },
    Object.create({ refreshToken: 'inherited' }),
  ])('otherwise takes the token in the cookie, with the body %j', (body) => {
    expect(extract(body, 'refresh_token=c')).toEqual([{ token: 'c', transport: 'cookie' }]);
    expect(extract(body, 'refresh_token=c; refresh_token=d')).toHaveLength(2);
    expect(extract(body)).toEqual([]);
  });
});
