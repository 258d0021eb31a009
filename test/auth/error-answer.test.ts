import { describe, expect, it } from '@jest/globals';
import { errorAnswer, errorHeaders } from '../../src/auth/filters/error-answer.js';
import { AUTH_ERRORS, AuthError, type AuthErrorCode } from '../../src/core/errors.js';

const CODES = Object.keys(AUTH_ERRORS) as AuthErrorCode[];
const withStatus = (...statuses: number[]) => CODES.filter((code) => statuses.includes(AUTH_ERRORS[code][0]));

describe(errorAnswer.name, () => {
  it('has the one shape', () => {
    expect(errorAnswer(new AuthError('REFRESH_TOKEN_REUSED'))).toEqual({
      statusCode: 401,
      code: 'REFRESH_TOKEN_REUSED',
      message: 'The refresh token was used before; the session has been ended.',
      error: 'Unauthorized',
    });
  });

  it.each(CODES)('%s has its status, also in words', (code) => {
    const answer = errorAnswer(new AuthError(code));
    expect(Object.keys(answer)).toEqual(['statusCode', 'code', 'message', 'error']);
    expect(answer.statusCode).toBe(AUTH_ERRORS[code][0]);
    expect(answer.error).toMatch(/^[A-Z][A-Za-z ]+$/);
  });

  it('adds the fields of a validation', () => {
    const fields = [{ field: 'email', message: 'email must be a string' }];
    expect(errorAnswer(new AuthError('VALIDATION_FAILED', { fields }))).toMatchObject({ details: fields });
  });

  it('keeps cause, detail and stack to itself', () => {
    const cause = new Error('E11000 duplicate key: ann@example.com');
    const answer = JSON.stringify(
      errorAnswer(new AuthError('INTERNAL', { cause, detail: 'users.insertOne' })),
    );
    for (const secret of ['E11000', 'ann@', 'insertOne', 'error-answer.test'])
      expect(answer).not.toContain(secret);
  });
});

describe(errorHeaders.name, () => {
  it('asks for a bearer token on every 401 (RFC 6750 §3), and on nothing else', () => {
    for (const code of CODES) {
      const challenge = errorHeaders(new AuthError(code))['WWW-Authenticate'];
      if (withStatus(401).includes(code)) expect(challenge).toMatch(/^Bearer( error="invalid_token")?$/);
      else expect(challenge).toBeUndefined();
    }
  });

  it.each(['ACCESS_TOKEN_MISSING', 'REFRESH_TOKEN_MISSING', 'INVALID_CREDENTIALS'] as const)(
    '%s: nothing is said of a token that was not sent',
    (code) => {
      expect(errorHeaders(new AuthError(code))['WWW-Authenticate']).toBe('Bearer');
    },
  );

  it.each(withStatus(401).filter((code) => !/MISSING|CREDENTIALS/.test(code)))(
    '%s: the token that was sent is invalid',
    (code) => {
      expect(errorHeaders(new AuthError(code))['WWW-Authenticate']).toBe('Bearer error="invalid_token"');
    },
  );

  it('says when to try again in whole seconds, never too early', () => {
    const headers = (retryAfter?: number) =>
      errorHeaders(new AuthError('TEMPORARILY_UNAVAILABLE', { retryAfter }));
    expect(headers()['Retry-After']).toBe('1');
    expect(headers(2.1)['Retry-After']).toBe('3');
    expect(errorHeaders(new AuthError('FORBIDDEN'))).not.toHaveProperty('Retry-After');
  });

  it.each(CODES)('%s is never stored', (code) => {
    expect(errorHeaders(new AuthError(code))['Cache-Control']).toBe('no-store');
  });
});
