import assert from 'node:assert/strict';
import { extractAccessToken } from '../../../src/http/access-token-header.js';
import { isSigned, options, sign, signer } from '../support/signed.js';
import { splitLine } from '../support/text.js';

/** An `Authorization` header; and a correctly signed token with the first line as header and the rest as claims. */
export function fuzz(data: Buffer): void {
  const text = data.toString('utf8');
  const bearer = extractAccessToken({ headers: { authorization: data.toString('latin1') } });
  if (bearer !== null) check(bearer);
  const [header, claims] = splitLine(text);
  check(sign('access', header, claims));
  assert.equal(signer.verifyAccessToken(sign('refresh', header, claims)), null);
}

function check(token: string): void {
  const claims = signer.verifyAccessToken(token);
  if (claims === null) return;
  assert(isSigned('access', token));
  assert.equal(signer.verifyRefreshToken(token), null);
  assert.equal(claims.iss, options.issuer);
  assert.equal(claims.aud, options.audience);
  assert.match(claims.sid, /^[0-9a-f]{24}$/);
  if (claims.cnf) assert.match(claims.cnf.jkt, /^[\w-]{43}$/);
  for (const name of ['iat', 'exp', 'gen'] as const)
    assert(Number.isSafeInteger(claims[name]) && claims[name] >= 0);
  for (const name of ['sub', 'jti', 'ver', 'client_id'] as const) assert(claims[name].length > 0);
  for (const role of claims.roles) assert.equal(typeof role, 'string');
}
