import { describe, expect, it } from '@jest/globals';
import { AUTH_ERROR_CODES as CODES, AUTH_ERRORS, AuthError } from '../../src/core/errors.js';
import { errorAnswer, errorHeaders } from '../../src/http/filters/error-answer.js';

const withStatus = (...statuses: number[]) =>
  CODES.filter((code) => statuses.includes(AUTH_ERRORS[code].status));

describe(errorAnswer.name, () => {
  it('has the documented shape', () => {
    expect(errorAnswer(new AuthError('REFRESH_TOKEN_REUSED'))).toEqual({
      statusCode: 401,
      code: 'REFRESH_TOKEN_REUSED',
      message: 'The refresh token was used before; the session has been ended.',
      error: 'Unauthorized',
    });
  });

  it.each(CODES)('%s has its status, and the status text', (code) => {
    const answer = errorAnswer(new AuthError(code));
    expect(Object.keys(answer)).toEqual(['statusCode', 'code', 'message', 'error']);
    expect(answer.statusCode).toBe(AUTH_ERRORS[code].status);
    expect(answer.error).toMatch(/^[A-Z][A-Za-z ]+$/);
  });

  it('adds the fields of a validation', () => {
    const fields = [{ field: 'email', message: 'email must be a string' }];
    expect(errorAnswer(new AuthError('VALIDATION_FAILED', { fields }))).toMatchObject({ details: fields });
  });

  it('contains no cause, detail or stack', () => {
    const cause = new Error('E11000 duplicate key: ann@example.com');
    const answer = JSON.stringify(
      errorAnswer(new AuthError('INTERNAL', { cause, detail: 'users.insertOne' })),
    );
    for (const secret of ['E11000', 'ann@', 'insertOne', 'error-answer.test'])
      expect(answer).not.toContain(secret);
  });
});

describe(errorHeaders.name, () => {
  const ofProofs = CODES.filter((code) => code.startsWith('PROOF_'));

  it('challenges for a bearer token on every 401 (RFC 6750 §3), and on nothing else', () => {
    for (const code of CODES) {
      const challenge = errorHeaders(new AuthError(code))['WWW-Authenticate'];
      if (ofProofs.includes(code)) expect(challenge).toMatch(/^DPoP /);
      else if (withStatus(401).includes(code))
        expect(challenge).toMatch(/^Bearer( error="(?:invalid_token|insufficient_user_authentication)")?$/);
      else expect(challenge).toBeUndefined();
    }
  });

  it.each(['ACCESS_TOKEN_MISSING', 'REFRESH_TOKEN_MISSING', 'INVALID_CREDENTIALS'] as const)(
    '%s: names no error if no token was sent',
    (code) => {
      expect(errorHeaders(new AuthError(code))['WWW-Authenticate']).toBe('Bearer');
    },
  );

  it.each(withStatus(401).filter((code) => !/MISSING|CREDENTIALS|PROOF|REAUTH/.test(code)))(
    '%s: names the token that was sent as invalid',
    (code) => {
      expect(errorHeaders(new AuthError(code))['WWW-Authenticate']).toBe('Bearer error="invalid_token"');
    },
  );

  it.each([
    ['PROOF_REQUIRED', 'DPoP error="invalid_dpop_proof", algs="ES256"'],
    ['PROOF_NONCE_REQUIRED', 'DPoP error="use_dpop_nonce", algs="ES256"'],
  ] as const)('%s: asks for a proof (RFC 9449 §7.1), and contains the nonce for it', (code, challenge) => {
    const headers = errorHeaders(new AuthError(code, { proofNonce: 'n-1' }));
    expect(headers).toMatchObject({ 'WWW-Authenticate': challenge, 'DPoP-Nonce': 'n-1' });
    expect(errorHeaders(new AuthError(code))).not.toHaveProperty('DPoP-Nonce');
  });

  it('REAUTHENTICATION_REQUIRED: contains the maximum age of an authentication (RFC 9470 §3)', () => {
    const error = new AuthError('REAUTHENTICATION_REQUIRED', { maxAge: 300 });
    const asked = 'error="insufficient_user_authentication", max_age=300';
    expect(errorHeaders(error)['WWW-Authenticate']).toBe(`Bearer ${asked}`);
    expect(errorHeaders(error, 'DPoP')['WWW-Authenticate']).toBe(`DPoP ${asked}, algs="ES256"`);
  });

  it('challenges with the scheme of the token that was sent (RFC 9449 §7.2)', () => {
    const challenge = (code: 'ACCESS_TOKEN_EXPIRED' | 'ACCESS_TOKEN_MISSING') =>
      errorHeaders(new AuthError(code), 'DPoP')['WWW-Authenticate'];
    expect(challenge('ACCESS_TOKEN_EXPIRED')).toBe('DPoP error="invalid_token", algs="ES256"');
    expect(challenge('ACCESS_TOKEN_MISSING')).toBe('DPoP algs="ES256"');
  });

  it('says when to retry in whole seconds, never too early', () => {
    const headers = (retryAfter?: number) =>
      errorHeaders(new AuthError('TEMPORARILY_UNAVAILABLE', { retryAfter }));
    expect(headers()['Retry-After']).toBe('1');
    expect(headers(2.1)['Retry-After']).toBe('3');
    expect(errorHeaders(new AuthError('FORBIDDEN'))).not.toHaveProperty('Retry-After');
  });

  it.each(CODES)('%s must not be stored by caches', (code) => {
    expect(errorHeaders(new AuthError(code))['Cache-Control']).toBe('no-store');
  });
});
