import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { parseProof, proofTarget, requestPath, thumbprint } from '../../../src/core/proof.js';
import { ProofReader } from '../../../src/http/proof-reader.js';
import { ProofVerifier } from '../../../src/tokens/proof-verifier.js';
import { clock, keyRing, options } from '../support/signed.js';
import { splitLine } from '../support/text.js';

/** From RFC 7515, appendix A.3.1. */
const JWK = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
} as const;
const key = createPrivateKey({
  key: { ...JWK, d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI' },
  format: 'jwk',
});
const verifier = new ProofVerifier(clock, keyRing);
const reader = new ProofReader(options, verifier);

/**
 * A `DPoP` header; a URL; and a correctly signed proof with the first line as header and the rest as claims,
 * in which $JWK and $NONCE stand for the right values.
 */
export function fuzz(data: Buffer): void {
  const text = data.toString('latin1');
  assert.notEqual(check(text, '/auth/refresh'), 'valid');
  checkUrl(text);
  const [header, claims] = splitLine(data.toString('utf8'));
  const input = [header.replace('$JWK', JSON.stringify(JWK)), claims.replace('$NONCE', verifier.newNonce())]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  const proof = `${input}.${signature.toString('base64url')}`;
  check(proof, '/auth/refresh');
  // One encoding only, and no proof with another signature.
  assert.notEqual(check(`${proof}=`, '/auth/refresh'), 'valid');
  assert.notEqual(check(`${input}.${Buffer.alloc(64, 1).toString('base64url')}`, '/auth/refresh'), 'valid');
}

function check(text: string, path: string): string {
  const request = { method: 'POST', originalUrl: path, headers: { dpop: text } };
  const result = reader.of(request)?.();
  assert(result);
  const proof = parseProof(text);
  if (typeof proof === 'string') {
    assert(result.outcome === 'failed' && result.reason === proof);
    return result.outcome;
  }
  assert.equal(proof.jkt, thumbprint(proof.key));
  assert(proof.jti !== '' && proof.jti.length <= 256);
  if (result.outcome === 'failed') return result.outcome;
  assert.equal(result.jkt, thumbprint(JWK));
  assert.equal(proof.htm, 'POST');
  assert.deepEqual(proof.htu, { origin: options.issuer, path });
  if (result.outcome === 'valid') assert.equal(proof.nonce, verifier.newNonce());
  return result.outcome;
}

/** Both ways to read a path agree. */
function checkUrl(text: string): void {
  const target = proofTarget(text);
  if (target) assert(target.path.startsWith('/') && new URL(target.origin).origin === target.origin);
  const path = requestPath(text);
  if (path === null) return;
  assert.match(path, /^\/[\x21-\x7e]*$/);
  const [withoutQuery = ''] = text.split(/[?#]/, 1);
  assert.deepEqual(proofTarget(`${options.issuer}${withoutQuery}?a#b`), { origin: options.issuer, path });
}
