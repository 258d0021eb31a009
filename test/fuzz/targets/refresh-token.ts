import assert from 'node:assert/strict';
import { presentedTokens } from '../support/presented.js';
import { isSigned, keyRing, options, sign, signer } from '../support/signed.js';
import { splitLine } from '../support/text.js';

/** The input as a token; and a correctly signed token with the first line as header and the rest as claims. */
export function fuzz(data: Buffer): void {
  check(data.toString('latin1'));
  const [header, claims] = splitLine(data.toString('utf8'));
  check(sign('refresh', header, claims));
  assert.equal(signer.verifyRefreshToken(sign('access', header, claims)), null);
}

function check(token: string): void {
  const isOfNewKey = presentedTokens.isOfNewKey({ token, transport: 'cookie' });
  const claims = signer.verifyRefreshToken(token);
  assert(!isOfNewKey || (claims === null && keyRing.verifyingKey('refresh', token) === null));
  if (claims === null) return;
  assert(isSigned('refresh', token));
  assert.equal(signer.verifyAccessToken(token), null);
  assert.equal(claims.iss, options.issuer);
  assert.equal(claims.aud, `${options.issuer}/refresh`);
  assert.match(claims.sid, /^[0-9a-f]{24}$/);
  if (claims.cnf) assert.match(claims.cnf.jkt, /^[\w-]{43}$/);
  assert.match(claims.sec, /^[\w-]{43}$/);
  assert(claims.trn === 'cookie' || claims.trn === 'body');
  for (const name of ['iat', 'exp', 'abs', 'gen'] as const)
    assert(Number.isSafeInteger(claims[name]) && claims[name] >= 0);
}
