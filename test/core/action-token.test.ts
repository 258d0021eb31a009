import { describe, expect, it } from '@jest/globals';
import {
  ACTION_TTL_MS,
  type ActionToken,
  isActionToken,
  isGoodFor,
  tokenVersionAfter,
} from '../../src/core/action-token.js';

const EXPIRES_AT = new Date('2026-01-01T00:10:00Z');
const TOKEN: ActionToken = {
  hash: 'h'.repeat(43),
  kind: 'password_reset',
  userId: 'user-1',
  binding: 'user@example.com',
  expiresAt: EXPIRES_AT,
};

describe('a mailed token', () => {
  it('lasts ten minutes to reset a password, a day to verify an address, and 30 s to open a socket', () => {
    expect(ACTION_TTL_MS).toEqual({
      password_reset: 600_000,
      email_verification: 86_400_000,
      email_change: 86_400_000,
      ticket: 30_000,
    });
  });

  it('is 32 bytes in base64url and nothing else', () => {
    expect(isActionToken(`${'aZ09_-'.repeat(7)}x`)).toBe(true);
    for (const text of ['', 'a'.repeat(42), 'a'.repeat(44), `${'a'.repeat(42)}+`, `${'a'.repeat(43)}\n`])
      expect(isActionToken(text)).toBe(false);
  });

  it('is valid for its own action only, until it expires', () => {
    const before = new Date(EXPIRES_AT.getTime() - 1);
    expect(isGoodFor(TOKEN, 'password_reset', before)).toBe(true);
    expect(isGoodFor(TOKEN, 'password_reset', EXPIRES_AT)).toBe(false);
    expect(isGoodFor(TOKEN, 'email_verification', before)).toBe(false);
  });

  it("determines the user's next token version, by which a second use is recognised", () => {
    expect(tokenVersionAfter(TOKEN)).toBe('3t8jzuR2oxIvsvIo');
    expect(tokenVersionAfter({ hash: 'g'.repeat(43) })).not.toBe(tokenVersionAfter(TOKEN));
  });
});
