import { describe, expect, it } from '@jest/globals';
import {
  browserFamily,
  compareFingerprints,
  FINGERPRINT_FEATURES,
  type FingerprintFeature,
  fingerprints,
  type RequestTraits,
} from '../../src/core/fingerprint.js';

const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);
const DEFAULT_FEATURES: readonly FingerprintFeature[] = [
  'user-agent',
  'accept-language',
  'sec-ch-ua-platform',
];

const USER_AGENTS = {
  chromeOnWindows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36',
  newerChromeOnWindows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
  chromeOnMac:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36',
  edgeOnWindows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0',
  firefoxOnWindows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0',
  newerFirefoxOnWindows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
  safariOnPhone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1',
  newerSafariOnPhone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
};

/** Chrome on the platform that replaces the dollar sign. */
const AGENT = 'Mozilla/5.0 ($) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

const BASE: RequestTraits = {
  headers: {
    'user-agent': USER_AGENTS.chromeOnWindows,
    'accept-language': 'de-DE,de;q=0.9',
    'sec-ch-ua-platform': '"Windows"',
    'accept-encoding': 'gzip, br',
    'sec-ch-ua': '"Chromium";v="120"',
  },
  address: '192.0.2.1',
};

function withHeaders(headers: RequestTraits['headers']): RequestTraits {
  return { ...BASE, headers: { ...BASE.headers, ...headers } };
}

function fingerprint(traits: RequestTraits, features = DEFAULT_FEATURES): string {
  return fingerprints(traits, features, [KEY])[0] ?? '';
}

describe(fingerprints.name, () => {
  it('is the same for the same request, in whatever order the features are listed', () => {
    expect(fingerprint(BASE)).toMatch(/^LPu-[A-Za-z0-9_-]{4}\.[A-Za-z0-9_-]{43}$/);
    expect(fingerprint(BASE, [...DEFAULT_FEATURES].reverse())).toBe(fingerprint(BASE));
  });

  it('equals the value stored by earlier releases, so an upgrade logs nobody out', () => {
    expect(fingerprint(BASE)).toBe('LPu-90eZ.xadQRAhkfqh-msEnedN3kaHFWfCRzjJJSn7ZEBSzb_g');
  });

  it.each([
    ['chromeOnWindows', 'newerChromeOnWindows'],
    ['firefoxOnWindows', 'newerFirefoxOnWindows'],
    ['safariOnPhone', 'newerSafariOnPhone'],
  ] as const)('a browser update logs nobody out: from %s to %s', (before, after) => {
    const requests = [before, after].map((name) => withHeaders({ 'user-agent': USER_AGENTS[name] }));
    const [old, updated] = requests.map((request) => fingerprint(request));
    expect(updated).toBe(old);
  });

  it.each([
    ['another browser', { 'user-agent': USER_AGENTS.firefoxOnWindows }],
    ['another browser of the same engine', { 'user-agent': USER_AGENTS.edgeOnWindows }],
    ['the same browser on another platform', { 'user-agent': USER_AGENTS.chromeOnMac }],
    ['another client hint of the platform', { 'sec-ch-ua-platform': '"macOS"' }],
    ['another language', { 'accept-language': 'fr-FR' }],
    ['no language at all', { 'accept-language': undefined }],
    ['a script', { 'user-agent': 'curl/8.5.0' }],
    ['no user agent', { 'user-agent': undefined }],
  ])('%s changes the fingerprint', (_threat, headers) => {
    expect(fingerprint(withHeaders(headers))).not.toBe(fingerprint(BASE));
  });

  it.each([
    [
      'a request without client hints, as from a worker or over plain HTTP',
      { 'sec-ch-ua-platform': undefined },
    ],
    ['a browser that does not know its platform', { 'sec-ch-ua-platform': '"Unknown"' }],
    ['a client hint between spaces', { 'sec-ch-ua-platform': ' "Windows" ' }],
    ['a language after a space', { 'accept-language': ' de-DE , de' }],
    ['another spelling of the same language', { 'accept-language': 'de-de;q=1,  de;q=0.8' }],
    ['an additional language in the settings', { 'accept-language': 'de-DE,de;q=0.9,en;q=0.8' }],
    ['a browser that shortens its list of languages', { 'accept-language': 'de-DE' }],
  ])('an honest browser keeps its fingerprint: %s', (_what, headers) => {
    expect(fingerprint(withHeaders(headers))).toBe(fingerprint(BASE));
  });

  it.each([
    ['Windows', USER_AGENTS.chromeOnWindows],
    ['macOS', USER_AGENTS.chromeOnMac],
    ['Linux', AGENT.replace('$', 'X11; Linux x86_64')],
    ['Android', AGENT.replace('$', 'Linux; Android 10; K')],
    ['Chrome OS', AGENT.replace('$', 'X11; CrOS x86_64 14541.0.0')],
    ['Chromium OS', AGENT.replace('$', 'X11; CrOS x86_64 14541.0.0')],
  ])('the hint "%s" and the user agent give the same platform', (name, userAgent) => {
    const [hinted, bare] = [`"${name}"`, undefined].map((hint) =>
      fingerprint(withHeaders({ 'user-agent': userAgent, 'sec-ch-ua-platform': hint })),
    );
    expect(bare).toBe(hinted);
  });

  it('reads any header quickly, whatever it contains', () => {
    const timed = (brands: string) => {
      const startedAt = performance.now();
      fingerprint(withHeaders({ 'sec-ch-ua': brands }), ['sec-ch-ua']);
      return performance.now() - startedAt;
    };
    // Headers of the maximum length. The best of five runs, because the machine may be busy.
    for (const brands of [String.raw`\"`.repeat(8000), `"${'not'.repeat(5000)}";v="1"`])
      expect(Math.min(...Array.from({ length: 5 }, () => timed(brands)))).toBeLessThan(40);
  });

  it('ignores what an update changes in sec-ch-ua: versions, order and the made-up brand', () => {
    const ofBrands = (brands: string) => fingerprint(withHeaders({ 'sec-ch-ua': brands }), ['sec-ch-ua']);
    const before = ofBrands('"Chromium";v="139", "Not;A=Brand";v="99", "Google Chrome";v="139"');
    expect(ofBrands('"Google Chrome";v="140", "Chromium";v="140", "Not=A?Brand";v="24"')).toBe(before);
    expect(ofBrands('"Chromium"; v="139","Google Chrome" ;v="139"')).toBe(before);
    expect(ofBrands('"Chromium";v="139", "Not;A=Brand";v="99", "Microsoft Edge";v="139"')).not.toBe(before);
    expect(fingerprint(withHeaders({ 'sec-ch-ua': undefined }), ['sec-ch-ua'])).not.toBe(ofBrands(''));
  });

  it('distinguishes programs that are not browsers by name, not by version', () => {
    const [curl, newerCurl, python] = ['curl/8.5.0', 'curl/8.9.1', 'python-requests/2.31'].map((userAgent) =>
      fingerprint(withHeaders({ 'user-agent': userAgent })),
    );
    expect(newerCurl).toBe(curl);
    expect(python).not.toBe(curl);
    expect(browserFamily('curl/8.5.0')).toBe('curl|');
  });

  it('reads only the first 256 characters of a user agent', () => {
    const padded = `${USER_AGENTS.chromeOnWindows} ${'x'.repeat(150)}`;
    expect(fingerprint(withHeaders({ 'user-agent': `${padded} Edg/120.0.0.0` }))).toBe(fingerprint(BASE));
  });

  it('exists for a request that names neither browser nor platform', () => {
    const bare = { headers: {}, address: '192.0.2.1' };
    expect(fingerprint(bare)).toMatch(/^LPu-/);
    expect(fingerprint(bare)).not.toBe(fingerprint(BASE));
  });

  it('a change of address is not a new device: phones roam', () => {
    expect(fingerprint({ ...BASE, address: '198.51.100.7' })).toBe(fingerprint(BASE));
  });

  it.each([
    ['accept-encoding', withHeaders({ 'accept-encoding': 'gzip' })],
    ['sec-ch-ua', withHeaders({ 'sec-ch-ua': '"Chromium";v="120", "Opera";v="106"' })],
    ['address', { ...BASE, address: '198.51.100.7' }],
  ] as const)('%s counts only if it is selected', (feature, changed) => {
    expect(fingerprint(changed)).toBe(fingerprint(BASE));
    const chosen = [...DEFAULT_FEATURES, feature];
    expect(fingerprint(changed, chosen)).not.toBe(fingerprint(BASE, chosen));
  });

  it('the value of one feature cannot imitate that of another', () => {
    const one = withHeaders({ 'accept-language': 'x', 'sec-ch-ua-platform': undefined });
    const other = withHeaders({ 'accept-language': undefined, 'sec-ch-ua-platform': 'x' });
    expect(fingerprint(one)).not.toBe(fingerprint(other));
  });

  it('is keyed: without the key, a stored value cannot be matched against the few common browsers', () => {
    const [under, underOther] = fingerprints(BASE, DEFAULT_FEATURES, [KEY, OTHER_KEY]);
    expect(underOther).not.toBe(under);
  });

  it('a key rotation changes nothing: the value under a retired key is still among those compared', () => {
    const stored = fingerprint(BASE);
    expect(fingerprints(BASE, DEFAULT_FEATURES, [OTHER_KEY, KEY])).toContain(stored);
    expect(fingerprints(BASE, DEFAULT_FEATURES, [OTHER_KEY])).not.toContain(stored);
  });

  it('puts the value of the first key first, which is the one stored in a session', () => {
    expect(fingerprints(BASE, DEFAULT_FEATURES, [OTHER_KEY, KEY])[0]).toBe(
      fingerprints(BASE, DEFAULT_FEATURES, [OTHER_KEY])[0],
    );
  });

  it('handles repeated, huge and malformed headers', () => {
    const twice = withHeaders({ 'accept-encoding': ['br', 'gzip'] });
    const once = withHeaders({ 'accept-encoding': 'br' });
    expect(fingerprint(twice, ['accept-encoding'])).not.toBe(fingerprint(once, ['accept-encoding']));
    const joined = withHeaders({ 'accept-encoding': 'br, gzip' });
    expect(fingerprint(twice, ['accept-encoding'])).toBe(fingerprint(joined, ['accept-encoding']));
    for (const userAgent of ['('.repeat(16_000), '\0', '/', ' ', '__proto__', 'Mozilla/5.0 '.repeat(2_000)])
      expect(fingerprint(withHeaders({ 'user-agent': userAgent }), FINGERPRINT_FEATURES)).toHaveLength(55);
  });
});

describe(compareFingerprints.name, () => {
  const ofAll = (traits: RequestTraits, features = DEFAULT_FEATURES, keys: Uint8Array[] = [KEY]) =>
    fingerprints(traits, features, keys);
  const firefox = withHeaders({ 'user-agent': USER_AGENTS.firefoxOnWindows });

  it("distinguishes the session's browser from another one, under any key of the ring", () => {
    expect(compareFingerprints(fingerprint(BASE), ofAll(BASE))).toBe('same');
    expect(compareFingerprints(fingerprint(BASE), ofAll(firefox))).toBe('different');
    for (const keys of [
      [OTHER_KEY, KEY],
      [KEY, OTHER_KEY],
    ]) {
      expect(compareFingerprints(fingerprint(BASE), ofAll(BASE, DEFAULT_FEATURES, keys))).toBe('same');
      expect(compareFingerprints(fingerprint(BASE), ofAll(firefox, DEFAULT_FEATURES, keys))).toBe(
        'different',
      );
    }
  });

  it('a change of configuration proves nothing: other features, or a key that was removed', () => {
    const stored = fingerprint(BASE);
    for (const features of [['user-agent'], [...DEFAULT_FEATURES, 'address']] as FingerprintFeature[][])
      expect(compareFingerprints(stored, ofAll(BASE, features))).toBe('incomparable');
    expect(compareFingerprints(stored, ofAll(BASE, DEFAULT_FEATURES, [OTHER_KEY]))).toBe('incomparable');
  });

  it('a request without fingerprints differs', () => {
    expect(compareFingerprints(fingerprint(BASE), [])).toBe('different');
  });

  it.each(FINGERPRINT_FEATURES)('%s by itself has a unique scheme', (feature) => {
    const schemes = FINGERPRINT_FEATURES.map((one) => fingerprint(BASE, [one]).split('.')[0]);
    expect(schemes.filter((scheme) => scheme === fingerprint(BASE, [feature]).split('.')[0])).toHaveLength(1);
  });
});
