import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FINGERPRINT_FEATURES, fingerprints, type RequestTraits } from '../../src/core/fingerprint.js';
import { RememberedFingerprints } from '../../src/http/remembered-fingerprints.js';

const OLD_KEY = Buffer.alloc(32, 1);
const NEW_KEY = Buffer.alloc(32, 2);

/** A ring whose keys a test replaces. */
class Ring {
  fingerprintKeys: readonly Uint8Array[] = [OLD_KEY];
  private readonly listeners: (() => void)[] = [];

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  replace(keys: readonly Uint8Array[]): void {
    this.fingerprintKeys = keys;
    for (const listener of this.listeners) listener();
  }
}

const remembered = (ring = new Ring(), features = FINGERPRINT_FEATURES.slice()) =>
  new RememberedFingerprints({ mode: 'report', features }, ring);

const BASE: RequestTraits = { headers: { 'user-agent': 'curl/8.5.0' }, address: '192.0.2.1' };

/** Few values, so that requests differ in one header only, and come again. */
const values = fc.constantFrom(
  undefined,
  '',
  'Unknown',
  '"Windows"',
  'de',
  ['de', 'fr'],
  'Mozilla/5.0 (X11; Linux x86_64)',
);
const requests = fc.record({
  headers: fc.record({
    'user-agent': values,
    'accept-language': values,
    'sec-ch-ua-platform': values,
    'accept-encoding': values,
    'sec-ch-ua': values,
  }),
  address: fc.constantFrom('', '192.0.2.1', '2001:db8::1'),
});

describe(RememberedFingerprints.name, () => {
  it('gives what computing them again would give, whichever requests came before', () => {
    fc.assert(
      fc.property(
        fc.subarray([...FINGERPRINT_FEATURES]),
        fc.array(requests, { maxLength: 30 }),
        (features, sent) => {
          const known = remembered(new Ring(), features);
          for (const traits of [...sent, ...sent])
            expect(known.of(traits)).toEqual(fingerprints(traits, features, [OLD_KEY]));
        },
      ),
    );
  });

  it('computes those of a known request once', () => {
    const known = remembered();
    expect(known.of({ ...BASE })).toBe(known.of({ ...BASE }));
  });

  it('computes them again after the keys were replaced', () => {
    const ring = new Ring();
    const known = remembered(ring);
    known.of(BASE);
    ring.replace([NEW_KEY, OLD_KEY]);
    expect(known.of(BASE)).toEqual(fingerprints(BASE, FINGERPRINT_FEATURES, [NEW_KEY, OLD_KEY]));
  });

  it('does not remember long headers, which would fill the memory', () => {
    const known = remembered();
    const traits = { ...BASE, headers: { 'user-agent': 'x'.repeat(2000) } };
    expect(known.of(traits)).toEqual(fingerprints(traits, FINGERPRINT_FEATURES, [OLD_KEY]));
    expect(known.of(traits)).not.toBe(known.of(traits));
  });

  it('is empty if fingerprints are off', () => {
    expect(
      new RememberedFingerprints({ mode: 'off', features: ['user-agent'] }, new Ring()).of(BASE),
    ).toEqual([]);
  });
});
