import assert from 'node:assert/strict';
import { parseJoseHeader, protectedHeader } from '../../../src/tokens/keys/jose-header.js';
import { sign } from '../support/signed.js';

/** A header by itself, and a whole token. */
export function fuzz(data: Buffer): void {
  const text = data.toString('utf8');
  check(data.toString('latin1'));
  check(sign('access', text, '{}'));
}

function check(token: string): void {
  const header = parseJoseHeader(token);
  const raw = protectedHeader(token);
  if (header === null) return;
  assert(raw !== null && !('crit' in raw));
  assert.deepEqual(Object.keys(header), ['alg', 'typ', 'kid']);
  for (const value of Object.values(header)) assert.equal(typeof value, 'string');
  // One encoding only: decoding and encoding again gives the same token.
  for (const part of token.split('.'))
    assert.equal(Buffer.from(part, 'base64url').toString('base64url'), part);
}
