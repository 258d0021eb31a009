import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import jsonwebtoken from 'jsonwebtoken';
import { isCanonicalBase64url } from '../../src/core/base64url.js';
import { importProofKey, isSignedBy, type Proof, type ProofKey } from '../../src/core/proof.js';
import { ConfigurationError } from '../../src/index.js';
import { resolveKeys } from '../../src/options/keys.options.js';
import { createRingKey, type KeyInput, KeyProblem, type RingKey } from '../../src/options/keys/key-spec.js';
import { protectedHeader } from '../../src/tokens/keys/jose-header.js';
import { HostApp } from '../support/host-app.js';
import { expectGuardRefusal, newSession } from '../support/http.js';

/** The files of test/vectors/wycheproof; its README gives their source. */
const load = (name: string): Vectors =>
  JSON.parse(readFileSync(new URL(`../vectors/wycheproof/${name}.json`, import.meta.url), 'utf8'));

interface Vectors {
  numberOfTests: number;
  testGroups: Group[];
}
interface Case {
  tcId: number;
  comment: string;
  jws?: string;
  result: 'valid' | 'invalid';
}
interface Group {
  comment: string;
  public?: KeyInput & { keys?: KeyInput[] };
  private: KeyInput & { keys?: KeyInput[] };
  tests: Case[];
}

const signatures = load('json_web_signature');
const keySets = load('json_web_key');
const groups = signatures.testGroups;

/** The ring's key, or why there is none: a key that is refused at boot verifies nothing. */
function ringKey(group: Group): RingKey | string {
  try {
    return createRingKey(group.public ?? group.private);
  } catch (error) {
    if (error instanceof KeyProblem) return error.message;
    throw error;
  }
}

/** Verifies a token with the ring and its library, without the checks that make it one of ours (`typ`, claims). */
function verifies(jws: string, key: RingKey): boolean {
  const header = protectedHeader(jws) as { alg?: unknown } | null;
  if (header?.alg !== key.alg) return false;
  try {
    jsonwebtoken.verify(jws, key.verifyingKey, { algorithms: [key.alg], ignoreExpiration: true });
    return true;
  } catch {
    return false;
  }
}

describe('the JWS vectors of Wycheproof', () => {
  const cases = groups.flatMap((group) => group.tests.map((each) => ({ group, ...each })));
  const usable = groups.map((group) => ({ group, key: ringKey(group) }));
  const keyOf = (group: Group) => usable.find((each) => each.group === group)?.key ?? '';

  it('all are present', () => {
    expect(cases).toHaveLength(signatures.numberOfTests);
  });

  it.each(cases.filter(({ result }) => result === 'invalid'))(
    '$tcId is refused: $group.comment, $comment',
    ({ group, jws = '' }) => {
      const key = keyOf(group);
      if (typeof key === 'string') expect(key).not.toBe('');
      else expect(verifies(jws, key)).toBe(false);
    },
  );

  /** Why we refuse a valid token: our rules are stricter. */
  function stricter({ jws = '', group }: Case & { group: Group }): string | null {
    const key = keyOf(group);
    if (typeof key === 'string') return key;
    const header = protectedHeader(jws) as { alg?: string } | null;
    // RFC 7520 shows PS384 signatures under a key that these vectors bind to PS256.
    if (header && header.alg !== key.alg) return `${header.alg} with a key for ${key.alg}`;
    return jws.split('.').every((part) => /^[\w-]+$/.test(part))
      ? null
      : 'an empty part, or non-canonical base64';
  }

  it('that are valid verify, except for those refused on purpose', () => {
    const valid = cases.filter(({ result }) => result === 'valid');
    const refused = valid.filter((each) => {
      const key = keyOf(each.group);
      return typeof key === 'string' || !verifies(each.jws ?? '', key);
    });
    expect(refused.map((each) => [each.tcId, stricter(each)])).toEqual(
      refused.map(({ tcId }) => [tcId, expect.stringMatching(/\S/)]),
    );
    // The stricter rules must not refuse everything.
    expect(valid.filter((each) => stricter(each) === null).length).toBeGreaterThan(20);
    expect(refused.length).toBeLessThan(valid.length / 2);
  });

  it('of ES256 get the same verdict from the verification of a proof of possession', () => {
    const ofCurve = cases.flatMap(({ group, ...each }) => {
      const key = (group.public ?? group.private) as ProofKey & { use?: string; key_ops?: unknown };
      return key.crv === 'P-256' && key.use === 'sig' ? [{ key, ...each }] : [];
    });
    expect(ofCurve.length).toBeGreaterThan(30);
    const wrong = ofCurve.filter(({ key: { kty, crv, x, y }, jws = '', result }) => {
      const [header = '', payload = '', signature = '', ...others] = jws.split('.');
      const isReadable = others.length === 0 && [header, payload, signature].every(isCanonicalBase64url);
      const proof = { signingInput: `${header}.${payload}`, signature } as Proof;
      const key = importProofKey({ kty, crv, x, y });
      const isTaken = isReadable && signature.length === 86 && key !== null && isSignedBy(proof, key);
      return isTaken !== (result === 'valid');
    });
    expect(wrong.map(({ tcId, comment }) => ({ tcId, comment }))).toEqual([]);
  });

  it('are never access tokens, whatever keys the service has', async () => {
    const keys = usable.flatMap(({ key, group }) =>
      typeof key === 'string' ? [] : [{ ...(group.private as object), kid: key.kid }],
    );
    const distinct = [...new Map(keys.map((key) => [key.kid, key])).values()];
    const own = { kty: 'oct', k: Buffer.alloc(48, 'q8Zr-4kT2mXw').toString('base64url'), kid: 'own' };
    const sound = distinct.filter((key) => {
      try {
        return createRingKey(key).signingKey !== null;
      } catch {
        return false;
      }
    });
    expect(sound.length).toBeGreaterThan(3);
    const host = await HostApp.start('express', {
      keys: { access: [own, ...sound], refresh: ['q8Zr-4kT2mXw9pLc7vBn5sHd3gFj1aYw'] },
    });
    try {
      const api = host.api();
      const { accessToken } = await newSession(api);
      for (const { jws = '' } of cases.filter((each) => each.jws && /^[\x21-\x7e]+$/.test(each.jws)))
        expectGuardRefusal(await api.me(jws), 'ACCESS_TOKEN_INVALID');
      expect((await api.me(accessToken)).status).toBe(200);
    } finally {
      await host.stop();
    }
  });
});

describe('the JWK vectors of Wycheproof', () => {
  const refresh = ['q8Zr-4kT2mXw9pLc7vBn5sHd3gFj1aYw'];
  const cases = keySets.testGroups.flatMap((group) => group.tests.map((each) => ({ group, ...each })));
  const isTaken = ({ private: set }: Group): boolean => {
    try {
      resolveKeys({ access: set.keys ?? [], refresh });
      return true;
    } catch (error) {
      if (error instanceof ConfigurationError) return false;
      throw error;
    }
  };
  /** A set with several types of keys is harmless here, and so is a token signed by the key its kid names. */
  const HARMLESS = new Set([1]);

  it.each(cases)('$tcId: $group.comment, $comment', ({ group, tcId, result, jws = '' }) => {
    if (HARMLESS.has(tcId)) return expect(isTaken(group)).toBe(true);
    if (result === 'valid') return expect(isTaken(group)).toBe(true);
    const keys = isTaken(group) ? (group.private.keys ?? []).map(createRingKey) : [];
    return expect(keys.some((key) => verifies(jws, key))).toBe(false);
  });
});
