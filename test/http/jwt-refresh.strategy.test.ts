import { describe, expect, it, jest } from '@jest/globals';
import { JwtService } from '@nestjs/jwt';
import type { RefreshSession } from '../../src/core/refresh-token.store.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import { attempt } from '../../src/http/guards/passport-attempt.js';
import { JwtRefreshStrategy } from '../../src/http/strategies/jwt-refresh.strategy.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { KeyRing } from '../../src/tokens/keys/key-ring.js';
import { TokenSigner } from '../../src/tokens/token-signer.js';
import { resign } from '../support/tokens.js';

const KEY = 'nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk';
const AT = new Date('2026-01-01T00:00:00Z');
const SESSION = {
  id: '65a000000000000000000001',
  userId: 'user-1',
  generation: 4,
  rotatedAt: AT,
  expiresAt: AT,
  absoluteExpiresAt: AT,
  transport: 'cookie',
  jkt: null,
} as RefreshSession;

const options = resolveOptions({
  issuer: 'https://issuer.example.com',
  keys: { access: ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'], refresh: [KEY] },
});
const keyRing = new KeyRing(options, new AuthEventBus(null));
const jwt = new JwtService({});
const signer = new TokenSigner(options, { now: () => AT.getTime() }, keyRing, jwt);
const { token } = signer.signRefreshToken(SESSION, 'S'.repeat(43));

function ask(presentedRefreshToken: { token: string; transport: 'cookie' | 'body' } | null) {
  const pick = jest.fn(() => presentedRefreshToken);
  const strategy = new JwtRefreshStrategy(options, keyRing, { pick } as never, signer);
  return attempt(strategy, { headers: {} });
}

describe(JwtRefreshStrategy.name, () => {
  it('returns the claims of a token that this ring has signed, also with another header', async () => {
    const claims = { sid: SESSION.id, gen: 4, sec: 'S'.repeat(43), trn: 'cookie' };
    const other = resign(token, KEY, { header: { cty: 'other' } });
    await expect(ask({ token, transport: 'cookie' })).resolves.toMatchObject(claims);
    await expect(ask({ token: other, transport: 'cookie' })).resolves.toMatchObject(claims);
  });

  it("refuses a token from a transport other than its session's", async () => {
    await expect(ask({ token, transport: 'body' })).rejects.toMatchObject({ code: 'REFRESH_TOKEN_INVALID' });
  });

  it('refuses a token of another key, a changed token and a missing one', async () => {
    const changed = token.replace(/\.[^.]+\./, (payload) => `${payload.slice(0, -2)}A.`);
    for (const odd of [resign(token, 'x'.repeat(40)), changed, 'a.b.c'])
      await expect(ask({ token: odd, transport: 'cookie' })).rejects.toThrow();
    await expect(ask(null)).rejects.toThrow('No auth token');
  });
});
