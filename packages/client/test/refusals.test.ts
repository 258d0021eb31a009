import { describe, expect, it } from '@jest/globals';
import { AUTH_ERROR_CODES, AUTH_ERRORS } from '../../../src/core/errors.js';
import { AuthClientError } from '../src/errors.js';
import { FINAL_REFUSALS, isFinal } from '../src/refusals.js';

describe('final refusals', () => {
  it("match the final refusals in the server's table", () => {
    expect(new Set(FINAL_REFUSALS)).toEqual(
      new Set(AUTH_ERROR_CODES.filter((code) => AUTH_ERRORS[code].isFinal)),
    );
  });

  it('are recognised only with the status that the server sends', () => {
    const final = AUTH_ERROR_CODES.filter((code) =>
      isFinal(new AuthClientError({ code, status: AUTH_ERRORS[code].status, message: code })),
    );
    expect(new Set(final)).toEqual(new Set(FINAL_REFUSALS));
  });

  it.each([500, 503, undefined])('are ignored with status %s', (status) => {
    const [code] = FINAL_REFUSALS;
    expect(isFinal(new AuthClientError({ code, status, message: code }))).toBe(false);
  });
});
