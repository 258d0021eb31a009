import { createHash, createHmac } from 'node:crypto';
import Bowser from 'bowser';

export const FINGERPRINT_FEATURES = [
  'user-agent',
  'accept-language',
  'sec-ch-ua-platform',
  'accept-encoding',
  'sec-ch-ua',
  'address',
] as const;
export type FingerprintFeature = (typeof FINGERPRINT_FEATURES)[number];

/** What a request reveals about its client. */
export interface RequestTraits {
  /** Lower-case header names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly address: string;
}

/**
 * `HMAC-SHA256(key, canonical JSON of the chosen features)` under each key of the ring, with a prefix that names the scheme:
 * which features, which key. The stored value reveals nothing without the key. A request matches if any key gives the stored
 * value, so rotating keys logs nobody out.
 */
export function fingerprints(
  traits: RequestTraits,
  features: readonly FingerprintFeature[],
  keys: readonly Uint8Array[],
): string[] {
  const chosen = [...features].sort();
  const canonical = JSON.stringify(chosen.map((feature) => [feature, trait(traits, feature)]));
  const initials = chosen.map((feature) => INITIALS[feature]).join('');
  return keys.map((key) => {
    const { name, macs } = knownOf(key);
    const mac = macs.get(canonical) ?? createHmac('sha256', key).update(canonical).digest('base64url');
    if (canonical.length <= MAX_REMEMBERED) remember(macs, canonical, mac);
    return `${initials}-${name}.${mac}`;
  });
}

const INITIALS: Readonly<Record<FingerprintFeature, string>> = {
  'user-agent': 'u',
  // A capital marks a feature whose reading has changed: it is another scheme, so the change logs nobody out.
  'accept-language': 'L',
  'sec-ch-ua-platform': 'P',
  'accept-encoding': 'e',
  'sec-ch-ua': 'B',
  address: 'a',
};

/** What was computed with a key: many requests share what they reveal, and an HMAC costs more than the rest. */
interface Known {
  readonly name: string;
  /** By what was signed. */
  readonly macs: Map<string, string>;
}

function knownOf(key: Uint8Array): Known {
  const known = knownByKey.get(key) ?? { name: nameOf(key), macs: new Map<string, string>() };
  knownByKey.set(key, known);
  return known;
}

/** A memo of a pure function; so is {@link agents}. */
const knownByKey = new WeakMap<Uint8Array, Known>();

function remember<Value>(memo: Map<string, Value>, text: string, value: Value): void {
  if (memo.size >= MAX_KNOWN && !memo.has(text)) memo.clear();
  memo.set(text, value);
}
const MAX_KNOWN = 1000;
/** Characters; browsers come to a tenth of it. */
const MAX_REMEMBERED = 1000;

/** Short fingerprint of a key: tells the keys of a service apart, reveals nothing about a key. */
function nameOf(key: Uint8Array): string {
  return createHash('sha256').update('fingerprint key').update(key).digest('base64url').slice(0, 4);
}

/**
 * Compares a session's fingerprint with those of a request. `incomparable`: it has other features or a key that is gone. A
 * change of the configuration is no evidence against anybody, so callers treat it like `same`.
 */
export function compareFingerprints(
  ofSession: string,
  ofRequest: readonly string[],
): 'same' | 'different' | 'incomparable' {
  if (ofRequest.includes(ofSession)) return 'same';
  const scheme = schemeOf(ofSession);
  const isComparable = ofRequest.length === 0 || ofRequest.some((other) => schemeOf(other) === scheme);
  return isComparable ? 'different' : 'incomparable';
}

function schemeOf(fingerprint: string): string {
  return fingerprint.slice(0, fingerprint.indexOf('.') + 1);
}

function trait(traits: RequestTraits, feature: FingerprintFeature): string | null {
  if (feature === 'address') return traits.address;
  const value = header(traits, feature);
  switch (feature) {
    case 'user-agent':
      return browserFamily(value);
    case 'accept-language':
      return firstLanguage(value);
    case 'sec-ch-ua-platform':
      return platform(value, header(traits, 'user-agent'));
    case 'sec-ch-ua':
      return brands(value);
    case 'accept-encoding':
      return value;
  }
}

function header({ headers }: RequestTraits, name: string): string | null {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}

/** The preferred language only: browsers list and weigh the others differently, and some send no others. */
function firstLanguage(value: string | null): string | null {
  return value?.split(/[,;]/, 1)[0]?.trim().toLowerCase() ?? null;
}

/**
 * The platform of the client hint. Browsers leave the hint out of some requests, such as those of workers and those without
 * TLS; then the user agent names the same platform. The feature is there to notice a hint and a user agent that disagree.
 */
function platform(hint: string | null, userAgent: string | null): string | null {
  const named = hint?.replaceAll('"', '').trim().toLowerCase();
  // Browsers send an empty hint or "Unknown" when they do not know.
  if (named && named !== 'unknown') return named === 'chromium os' ? 'chrome os' : named;
  return parsed(userAgent)?.platform ?? null;
}

/** Twice what browsers need. On a header of maximum length the pattern would take tenths of a second. */
const MAX_BRANDS = 512;

/** The names in `"Chromium";v="140", "Not=A?Brand";v="24"`, without versions and the made-up brand: both change. */
function brands(value: string | null): string | null {
  if (value === null) return null;
  const names = [...value.slice(0, MAX_BRANDS).matchAll(/"((?:[^"\\]|\\.)*)"\s*;\s*v=/g)].map(
    ([, name = '']) => name,
  );
  return JSON.stringify(names.filter((name) => !/not.*brand/i.test(name)).sort());
}

/** Browser family and platform: a browser update must not look like another device. */
export function browserFamily(userAgent: string | null): string | null {
  return parsed(userAgent)?.family ?? null;
}

interface ParsedAgent {
  readonly family: string;
  /** In lower case; null if it names none. */
  readonly platform: string | null;
}

function parsed(userAgent: string | null): ParsedAgent | null {
  if (!userAgent) return null;
  const text = userAgent.slice(0, 256);
  const known = agents.get(text);
  if (known !== undefined) return known;
  const { browser, os } = Bowser.parse(text);
  // Other programs name themselves in the first product token.
  const family = `${browser.name || text.split(/[/\s]/, 1)[0]}|${os.name ?? ''}`;
  const agent = { family, platform: os.name?.toLowerCase() ?? null };
  remember(agents, text, agent);
  return agent;
}

/** A memo of a pure function, so it is no state: parsing costs more than all the rest of a fingerprint. */
const agents = new Map<string, ParsedAgent>();
