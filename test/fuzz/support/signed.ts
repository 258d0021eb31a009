import { createHmac } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { AuthEventBus } from '../../../src/events/auth-event-bus.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { KeyRing } from '../../../src/tokens/keys/key-ring.js';
import { TokenSigner } from '../../../src/tokens/token-signer.js';

const SECRETS = {
  access: 'TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d',
  refresh: 'nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk',
};
export const NOW = Date.parse('2026-01-01T00:00:00Z');
export const clock = { now: () => NOW };

export const options = resolveOptions({
  issuer: 'https://issuer.example.com',
  audience: 'https://api.example.com',
  keys: {
    access: [
      { kty: 'oct', kid: 'a1', k: Buffer.from(SECRETS.access).toString('base64url') },
      {
        kty: 'EC',
        crv: 'P-256',
        kid: 'a2',
        // From RFC 7515, appendix A.3.1.
        x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
        y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      },
    ],
    refresh: [{ kty: 'oct', kid: 'r1', k: Buffer.from(SECRETS.refresh).toString('base64url') }],
  },
});
export const keyRing = new KeyRing(options, new AuthEventBus(null));
export const signer = new TokenSigner(options, clock, keyRing, new JwtService({}));

/** Signs any text as header and payload. */
export function sign(kind: keyof typeof SECRETS, header: string, payload: string): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${signatureOf(kind, input)}`;
}

/** Whether the shared key of this kind has signed the token. */
export function isSigned(kind: keyof typeof SECRETS, token: string): boolean {
  const end = token.lastIndexOf('.');
  return token.slice(end + 1) === signatureOf(kind, token.slice(0, end));
}

function signatureOf(kind: keyof typeof SECRETS, input: string): string {
  return createHmac('sha256', SECRETS[kind]).update(input).digest('base64url');
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
