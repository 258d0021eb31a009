import { describe, expect, it } from '@jest/globals';
import { CrossSiteGuard } from '../../src/http/guards/cross-site.guard.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { originMatcher } from '../../src/options/trusted-origins.options.js';

describe('a pattern in trustedOrigins', () => {
  it.each(['https://*.ex(ample.com', 'https://*.a+b.com', 'https://*.a$b.com'])(
    'is not a regular expression: %s',
    (pattern) => {
      const isTrusted = originMatcher([pattern]);
      expect(isTrusted(pattern.replace('*', 'app'))).toBe(true);
      expect(isTrusted(pattern.replace('*', 'app').replace('+', 'a'))).toBe(!pattern.includes('+'));
    },
  );

  it('that is accepted at boot cannot make a guard fail', () => {
    const options = resolveOptions({
      issuer: 'https://api.example.com',
      keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
      trustedOrigins: ['https://*.ex(ample.com'],
    });
    expect(() => new CrossSiteGuard(options)).not.toThrow();
  });
});
