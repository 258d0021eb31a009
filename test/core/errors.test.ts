import { describe, expect, it } from '@jest/globals';
import { AUTH_ERROR_CODES, AUTH_ERRORS, AuthError, type AuthErrorCode } from '../../src/core/errors.js';
import { codesOf } from '../../src/openapi/responses.js';
import { ROUTES } from '../../src/openapi/routes.js';

/** The error table of the HTTP contract, row by row, for the routes that exist. Codes and statuses are stable API. */
const CONTRACT: readonly (readonly [code: string, status: number])[] = [
  ['VALIDATION_FAILED', 400],
  ['MALFORMED_REQUEST', 400],
  ['PAYLOAD_TOO_LARGE', 413],
  ['UNSUPPORTED_MEDIA_TYPE', 415],
  ['WEAK_PASSWORD', 400],
  ['EMAIL_TAKEN', 409],
  ['REFRESH_SUPERSEDED', 409],
  ['REFRESH_CONTESTED', 409],
  ['ACTION_TOKEN_INVALID', 400],
  ['INVALID_CREDENTIALS', 401],
  ['ACCOUNT_DISABLED', 403],
  ['EMAIL_NOT_VERIFIED', 403],
  ['TOO_MANY_ATTEMPTS', 429],
  ['ACCESS_TOKEN_MISSING', 401],
  ['ACCESS_TOKEN_INVALID', 401],
  ['ACCESS_TOKEN_EXPIRED', 401],
  ['ACCESS_TOKEN_REVOKED', 401],
  ['REFRESH_TOKEN_MISSING', 401],
  ['REFRESH_TOKEN_INVALID', 401],
  ['REFRESH_TOKEN_EXPIRED', 401],
  ['REFRESH_TOKEN_UNKNOWN', 401],
  ['REFRESH_TOKEN_REUSED', 401],
  ['SESSION_REVOKED', 401],
  ['REAUTHENTICATION_REQUIRED', 401],
  ['TICKET_INVALID', 401],
  ['PASSWORD_NOT_SET', 409],
  ['PROOF_REQUIRED', 401],
  ['DEVICE_PROOF_REQUIRED', 403],
  ['PROOF_NONCE_REQUIRED', 401],
  ['SUSPICIOUS_ACTIVITY', 403],
  ['CROSS_SITE_REQUEST', 403],
  ['FORBIDDEN', 403],
  ['NOT_FOUND', 404],
  ['TEMPORARILY_UNAVAILABLE', 503],
  ['INTERNAL', 500],
];

const BODY = ['VALIDATION_FAILED', 'MALFORMED_REQUEST', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];
const PUBLIC = [...BODY, 'TOO_MANY_ATTEMPTS', 'CROSS_SITE_REQUEST'];
const ACCESS = [
  'ACCESS_TOKEN_MISSING',
  'ACCESS_TOKEN_INVALID',
  'ACCESS_TOKEN_EXPIRED',
  'ACCESS_TOKEN_REVOKED',
];
const REFRESH = [
  'REFRESH_TOKEN_MISSING',
  'REFRESH_TOKEN_INVALID',
  'REFRESH_TOKEN_EXPIRED',
  'REFRESH_TOKEN_UNKNOWN',
  'REFRESH_TOKEN_REUSED',
  'SESSION_REVOKED',
  'SUSPICIOUS_ACTIVITY',
];
/** The codes that each operation can answer, in addition to the two of every route. More may be added. */
const MET_ON: readonly (readonly [operation: string, codes: readonly string[]])[] = [
  ['register', [...PUBLIC, 'WEAK_PASSWORD', 'EMAIL_TAKEN']],
  [
    'login',
    [...PUBLIC, 'INVALID_CREDENTIALS', 'ACCOUNT_DISABLED', 'EMAIL_NOT_VERIFIED', 'SUSPICIOUS_ACTIVITY'],
  ],
  ['refresh', [...PUBLIC, ...REFRESH, 'REFRESH_CONTESTED', 'REFRESH_SUPERSEDED']],
  ['me', ACCESS],
  ['changePassword', [...PUBLIC, ...ACCESS, 'WEAK_PASSWORD', 'INVALID_CREDENTIALS']],
  ['resetPassword', [...PUBLIC, 'WEAK_PASSWORD', 'ACTION_TOKEN_INVALID']],
  ['verifyEmail', [...PUBLIC, 'ACTION_TOKEN_INVALID']],
  ['disableUser', [...BODY.slice(1), ...ACCESS, 'FORBIDDEN', 'NOT_FOUND']],
];

describe('AUTH_ERRORS', () => {
  it.each(MET_ON)('%s documents each code that its client must handle', (operation, codes) => {
    const route = Object.values(ROUTES).find((routes) => routes[operation])?.[operation];
    if (!route) throw new Error(`no operation ${operation}`);
    const everywhere = ['TEMPORARILY_UNAVAILABLE', 'INTERNAL'];
    expect(codesOf(operation, route, { ofSessions: true, ofAccessTokens: false })).toEqual(
      expect.arrayContaining([...codes, ...everywhere]),
    );
  });

  it("has a challenge exactly if the client's token was the problem (RFC 6750 §3.1)", () => {
    const challenged = AUTH_ERROR_CODES.filter((code) => AUTH_ERRORS[code].challenge === 'invalid_token');
    const sent = [...ACCESS.slice(1), ...REFRESH.slice(1, -1), 'TICKET_INVALID'];
    expect(new Set<string>(challenged)).toEqual(new Set(sent));
  });

  it('has exactly the codes and statuses of the contract', () => {
    const statuses = Object.entries(AUTH_ERRORS).map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(statuses)).toEqual(Object.fromEntries(CONTRACT));
  });

  it('has a distinct public message for every code', () => {
    const messages = Object.values(AUTH_ERRORS).map(({ message }) => message);
    for (const message of messages) expect(message).toMatch(/^[A-Z].*\.$/);
    expect(new Set(messages).size).toBe(messages.length);
  });

  it('has the same message for an unknown e-mail and a wrong password', () => {
    expect(AUTH_ERRORS.INVALID_CREDENTIALS.message).toBe('E-mail or password is wrong.');
  });

  it('is final only for errors of the refresh token', () => {
    const final = AUTH_ERROR_CODES.filter((code) => AUTH_ERRORS[code].isFinal);
    const ofTokens = AUTH_ERROR_CODES.filter((code) => code.startsWith('REFRESH_TOKEN_'));
    expect(new Set(final)).toEqual(new Set([...ofTokens, 'SESSION_REVOKED', 'SUSPICIOUS_ACTIVITY']));
    for (const code of final) expect([401, 403]).toContain(AUTH_ERRORS[code].status);
  });

  it('keeps the cookie when its token was not issued by this service', () => {
    const clearing = AUTH_ERROR_CODES.filter((code) => AUTH_ERRORS[code].clearsCookie);
    const final = AUTH_ERROR_CODES.filter((code) => AUTH_ERRORS[code].isFinal);
    const others = ['REFRESH_TOKEN_MISSING', 'REFRESH_TOKEN_INVALID'];
    expect(new Set([...clearing, ...others])).toEqual(new Set(final));
  });
});

describe(AuthError.name, () => {
  it.each(CONTRACT)('%s carries its status %d and its public message', (code, status) => {
    const error = new AuthError(code as AuthErrorCode);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('AuthError');
    expect(error.code).toBe(code);
    expect(error.status).toBe(status);
    expect(error.message).toBe(AUTH_ERRORS[code as AuthErrorCode].message);
  });

  it('keeps the cause, and has none if none was given', () => {
    const cause = new Error('socket closed');
    expect(new AuthError('INTERNAL', { cause }).cause).toBe(cause);
    expect(Object.hasOwn(new AuthError('INTERNAL'), 'cause')).toBe(false);
  });

  it('never sends the private detail to a client', () => {
    const error = new AuthError('NOT_FOUND', { detail: 'session of another user' });
    expect(error.detail).toBe('session of another user');
    expect(error.message).not.toContain('another user');
    expect(JSON.stringify(error.extensions)).not.toContain('another user');
  });

  it('a custom message replaces the public one, and the code stays', () => {
    const error = new AuthError('WEAK_PASSWORD', { message: 'The password repeats one character.' });
    expect(error.message).toBe('The password repeats one character.');
    expect(error.code).toBe('WEAK_PASSWORD');
  });

  it('a 503 always says when to retry; other errors only with a retryAfter', () => {
    expect(new AuthError('TEMPORARILY_UNAVAILABLE').retryAfter).toBe(1);
    expect(new AuthError('TEMPORARILY_UNAVAILABLE', { retryAfter: 30 }).retryAfter).toBe(30);
    expect(new AuthError('INTERNAL').retryAfter).toBeUndefined();
    expect(new AuthError('REFRESH_TOKEN_EXPIRED').retryAfter).toBeUndefined();
  });

  it('keeps the cookie only if keepsCookie is set', () => {
    expect(new AuthError('SESSION_REVOKED').keepsCookie).toBe(false);
    expect(new AuthError('SESSION_REVOKED', { keepsCookie: true }).keepsCookie).toBe(true);
  });

  it('gives GraphQL servers the code and the status', () => {
    expect(new AuthError('FORBIDDEN').extensions).toEqual({ code: 'FORBIDDEN', statusCode: 403 });
  });
});
