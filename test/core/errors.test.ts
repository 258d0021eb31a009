import { describe, expect, it } from '@jest/globals';
import { AUTH_ERRORS, AuthError, type AuthErrorCode } from '../../src/core/errors.js';

/** The error table of the HTTP contract, row by row, for the routes that exist. Codes and statuses are stable API. */
const CONTRACT: readonly (readonly [code: string, status: number])[] = [
  ['VALIDATION_FAILED', 400],
  ['MALFORMED_REQUEST', 400],
  ['PAYLOAD_TOO_LARGE', 413],
  ['UNSUPPORTED_MEDIA_TYPE', 415],
  ['WEAK_PASSWORD', 400],
  ['EMAIL_TAKEN', 409],
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
  ['SUSPICIOUS_ACTIVITY', 403],
  ['CROSS_SITE_REQUEST', 403],
  ['FORBIDDEN', 403],
  ['NOT_FOUND', 404],
  ['TEMPORARILY_UNAVAILABLE', 503],
  ['INTERNAL', 500],
];

describe('AUTH_ERRORS', () => {
  it('has the codes and statuses of the contract, all of them and no other', () => {
    const statuses = Object.entries(AUTH_ERRORS).map(([code, [status]]) => [code, status]);
    expect(Object.fromEntries(statuses)).toEqual(Object.fromEntries(CONTRACT));
  });

  it('has a public message of its own for every code', () => {
    const messages = Object.values(AUTH_ERRORS).map(([, message]) => message);
    for (const message of messages) expect(message).toMatch(/^[A-Z].*\.$/);
    expect(new Set(messages).size).toBe(messages.length);
  });

  it('tells an unknown e-mail from a wrong password by no word of the message', () => {
    expect(AUTH_ERRORS.INVALID_CREDENTIALS[1]).toBe('E-mail or password is wrong.');
  });
});

describe(AuthError.name, () => {
  it.each(CONTRACT)('%s carries its status %d and its public message', (code, status) => {
    const error = new AuthError(code as AuthErrorCode);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('AuthError');
    expect(error.code).toBe(code);
    expect(error.status).toBe(status);
    expect(error.message).toBe(AUTH_ERRORS[code as AuthErrorCode][1]);
  });

  it('keeps the cause, and has none where none was given', () => {
    const cause = new Error('socket closed');
    expect(new AuthError('INTERNAL', { cause }).cause).toBe(cause);
    expect(Object.hasOwn(new AuthError('INTERNAL'), 'cause')).toBe(false);
  });

  it('keeps the private detail out of what reaches a client', () => {
    const error = new AuthError('NOT_FOUND', { detail: 'session of another user' });
    expect(error.detail).toBe('session of another user');
    expect(error.message).not.toContain('another user');
    expect(JSON.stringify(error.extensions)).not.toContain('another user');
  });

  it('a message of its own replaces the public one and leaves the code alone', () => {
    const error = new AuthError('WEAK_PASSWORD', { message: 'The password repeats one character.' });
    expect(error.message).toBe('The password repeats one character.');
    expect(error.code).toBe('WEAK_PASSWORD');
  });

  it('a 503 always says when to try again; nothing else does unless told', () => {
    expect(new AuthError('TEMPORARILY_UNAVAILABLE').retryAfter).toBe(1);
    expect(new AuthError('TEMPORARILY_UNAVAILABLE', { retryAfter: 30 }).retryAfter).toBe(30);
    expect(new AuthError('INTERNAL').retryAfter).toBeUndefined();
    expect(new AuthError('REFRESH_TOKEN_EXPIRED').retryAfter).toBeUndefined();
  });

  it('says nothing against the cookie only where it is told so', () => {
    expect(new AuthError('SESSION_REVOKED').keepsCookie).toBe(false);
    expect(new AuthError('SESSION_REVOKED', { keepsCookie: true }).keepsCookie).toBe(true);
  });

  it('gives GraphQL servers the code and the status', () => {
    expect(new AuthError('FORBIDDEN').extensions).toEqual({ code: 'FORBIDDEN', statusCode: 403 });
  });
});
