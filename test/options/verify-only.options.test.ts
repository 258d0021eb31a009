import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../src/options/option-reader.js';
import { resolveVerifyOnlyOptions } from '../../src/options/verify-only.options.js';
import { InMemoryRevocationStore } from '../support/in-memory-revocation.store.js';

const NONE = { names: [], problems: [] };
const SOUND = { issuer: 'https://api.example.com', jwksUri: 'https://api.example.com/.well-known/jwks.json' };

function problemsOf(options: object): string[] {
  try {
    resolveVerifyOnlyOptions(options as never, NONE);
    return [];
  } catch (error) {
    return (error as ConfigurationError).problems.map(({ key, fix }) => `${key}: ${fix}`);
  }
}

describe('options of VerifyOnlyAuthModule', () => {
  it('have defaults', () => {
    expect(resolveVerifyOnlyOptions(SOUND, NONE)).toMatchObject({
      ...SOUND,
      audience: SOUND.issuer,
      keySet: { maxAgeMs: 300_000, maxStalenessMs: 3_600_000, cooldownMs: 10_000, timeoutMs: 5_000 },
      revocation: { mode: 'off', store: null },
    });
    const store = new InMemoryRevocationStore();
    const shared = resolveVerifyOnlyOptions({ ...SOUND, revocation: { store } }, NONE);
    expect(shared.revocation).toMatchObject({ mode: 'feed', store });
  });

  it.each<[object, RegExp]>([
    [{ issuer: 'api' }, /^issuer: give the service's URL/],
    [{ jwksUri: undefined }, /^jwksUri: give the URL of the issuer's key set/],
    [{ jwksUri: 'file:///jwks.json' }, /^jwksUri: give the URL/],
    [
      { jwksUri: 'https://ada:secret@api.example.com/jwks.json' },
      /^jwksUri: leave out user name and password/,
    ],
    [{ jwksUrl: 'x' }, /^jwksUrl: there is no such option: did you mean jwksUri\?/],
    [{ keys: { access: [] } }, /^keys: there is no such option/],
    [{ keySet: { maxAge: '2h' } }, /^keySet\.maxAge: must be shorter than keySet\.maxStaleness/],
    [{ keySet: { ttl: '2h' } }, /^keySet\.ttl: there is no such option/],
    [{ revocation: { pollInterval: '2s' } }, /^revocation\.store: give the store/],
  ])('refuse %j', (over, problem) => {
    const problems = problemsOf({ ...SOUND, ...over });
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });

  it('hide values that may be secret', () => {
    const given = { ...SOUND, jwksUri: 'https://ada:secret@api.example.com/jwks.json' };
    expect(() => resolveVerifyOnlyOptions(given, NONE)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });
});
