import { beforeEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import type { ProvenRequest } from '../../src/core/proof.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { KeyRing } from '../../src/tokens/keys/key-ring.js';
import { ProofVerifier } from '../../src/tokens/proof-verifier.js';
import { proofId } from '../../src/tokens/used-proofs.js';
import { HandKey } from '../support/proofs.js';

const ORIGIN = 'https://issuer.example.com';
const ACCESS = ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'];
const REFRESH = ['nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk', 'g7RkWq2ZbN5tYx0cVd8mLs4uHj1fPa6eQi'] as const;
const T0 = Date.parse('2026-01-01T00:00:00Z');
const MINUTE = 60_000;
const KEY = new HandKey();
const REQUEST: ProvenRequest = {
  method: 'POST',
  isTarget: ({ origin, path }) => `${origin}${path}` === `${ORIGIN}/auth/refresh`,
  accessToken: null,
};

let now: number;
let ring: KeyRing;
let verifier: ProofVerifier;

function newRing(...refresh: string[]): KeyRing {
  const options = resolveOptions({ issuer: ORIGIN, keys: { access: ACCESS, refresh } });
  return new KeyRing(options, new AuthEventBus(null));
}

beforeEach(() => {
  now = T0;
  ring = newRing(REFRESH[0]);
  verifier = new ProofVerifier({ now: () => now }, ring);
});

const claims = (change: object = {}) => ({
  jti: 'j-1',
  htm: 'POST',
  htu: `${ORIGIN}/auth/refresh`,
  iat: 1,
  nonce: verifier.newNonce(),
  ...change,
});
const check = (change: object = {}, request = REQUEST, key = KEY) =>
  verifier.verify(key.proof(claims(change)), request);

describe(ProofVerifier.name, () => {
  it('accepts a proof of this request with its own nonce, and returns key and proof', async () => {
    const jkt = await calculateJwkThumbprint(KEY.jwk);
    expect(check()).toEqual({ outcome: 'valid', jkt, id: proofId(jkt, 'j-1') });
  });

  it('asks for another proof if the nonce is missing or outdated', async () => {
    const outdated = { outcome: 'nonce_outdated', jkt: await calculateJwkThumbprint(KEY.jwk) };
    expect(check({ nonce: undefined })).toEqual(outdated);
    expect(check({ nonce: 'made up' })).toEqual(outdated);
  });

  it('accepts a nonce for one to two minutes, and issues another one each minute', () => {
    const nonce = verifier.newNonce();
    now += MINUTE - 1;
    expect(verifier.newNonce()).toBe(nonce);
    now += MINUTE;
    expect(verifier.newNonce()).not.toBe(nonce);
    expect(check({ nonce })).toMatchObject({ outcome: 'valid' });
    now += 1;
    expect(check({ nonce })).toMatchObject({ outcome: 'nonce_outdated' });
  });

  it('after a key rotation issues nonces of the new key, and still accepts those of the old one', () => {
    const nonce = verifier.newNonce();
    ring.replace({ access: ACCESS, refresh: [REFRESH[1], REFRESH[0]] });
    expect(verifier.newNonce()).not.toBe(nonce);
    expect(check({ nonce })).toMatchObject({ outcome: 'valid' });
    ring.replace({ access: ACCESS, refresh: [REFRESH[1]] });
    expect(check({ nonce })).toMatchObject({ outcome: 'nonce_outdated' });
  });

  it('issues the same nonce as every process with the same keys', () => {
    const other = new ProofVerifier({ now: () => now }, newRing(REFRESH[0]));
    expect(other.newNonce()).toBe(verifier.newNonce());
    expect(other.slot).toBe(verifier.slot);
  });

  it.each<[string, object, string]>([
    ['another method', { htm: 'GET' }, 'other_method'],
    ['no `jti`', { jti: undefined }, 'proof_malformed'],
  ])('refuses %s', (_what, change, reason) => {
    expect(check(change)).toEqual({ outcome: 'failed', reason });
  });

  it('refuses what cannot be read, and names an unsupported algorithm as such', () => {
    expect(verifier.verify('no proof', REQUEST)).toEqual({ outcome: 'failed', reason: 'proof_malformed' });
    const other = KEY.proof(claims(), { alg: 'ES512' });
    expect(verifier.verify(other, REQUEST)).toEqual({ outcome: 'failed', reason: 'proof_algorithm' });
  });

  it('refuses another URL, and gives it for the log, shortened', () => {
    const refused = check({ htu: `https://proxy.internal/auth/refresh?token=secret` });
    expect(refused).toMatchObject({ outcome: 'failed', reason: 'other_url' });
    const detail = refused.outcome === 'failed' ? refused.detail : undefined;
    expect(detail).toContain('https://proxy.internal/auth/refresh,');
    expect(detail).not.toContain('secret');
    const long = check({ htu: `${ORIGIN}/${'a'.repeat(200)}` });
    expect(long.outcome === 'failed' && long.detail).toContain(`${ORIGIN}/${'a'.repeat(73)},`);
  });

  it('refuses a proof for another access token', () => {
    const request = { ...REQUEST, accessToken: 'token' };
    expect(check({}, request)).toEqual({ outcome: 'failed', reason: 'other_access_token' });
  });

  it('refuses what another key signed, also if it has seen the key before', () => {
    const forged = new HandKey().proof(claims(), { jwk: KEY.jwk });
    const refused = { outcome: 'failed', reason: 'proof_signature' };
    expect(verifier.verify(forged, REQUEST)).toEqual(refused);
    expect(check()).toMatchObject({ outcome: 'valid' });
    expect(verifier.verify(forged, REQUEST)).toEqual(refused);
  });

  it('refuses a key that is not on the curve', () => {
    const jwk = { ...KEY.jwk, y: KEY.jwk.x };
    const refused = verifier.verify(KEY.proof(claims(), { jwk }), REQUEST);
    expect(refused).toEqual({ outcome: 'failed', reason: 'proof_malformed' });
  });

  it('distinguishes the keys of two clients', () => {
    const one = check();
    const other = check({}, REQUEST, new HandKey());
    expect([one.outcome, other.outcome]).toEqual(['valid', 'valid']);
    expect(one).not.toEqual(other);
  });
});
