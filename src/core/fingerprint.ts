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
 * `HMAC-SHA256(key, canonical JSON of the chosen features)` under each key of the ring. A prefix names the scheme: the
 * features and the key. Without the key, the stored value reveals nothing. A request matches if any key gives the stored
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
    const mac = createHmac('sha256', key).update(canonical).digest('base64url');
    return `${initials}-${nameOf(key)}.${mac}`;
  });
}

/** All that {@link fingerprints} reads, as one text: the same text has the same fingerprints under the same keys. */
export function rawTraits(
  { headers, address }: RequestTraits,
  features: readonly FingerprintFeature[],
): string {
  // The user agent also stands in for a missing platform.
  const read = features.map((feature) => (feature === 'address' ? address : headers[feature]));
  return JSON.stringify([headers['user-agent'], ...read]);
}

const INITIALS: Readonly<Record<FingerprintFeature, string>> = {
  'user-agent': 'u',
  // A capital marks a feature that is now read differently: a new scheme, so the change logs nobody out.
  'accept-language': 'L',
  'sec-ch-ua-platform': 'P',
  'accept-encoding': 'e',
  'sec-ch-ua': 'B',
  address: 'a',
};

/** Short fingerprint of a key: distinguishes the keys of a service without revealing them. */
function nameOf(key: Uint8Array): string {
  return createHash('sha256').update('fingerprint key').update(key).digest('base64url').slice(0, 4);
}

/**
 * Compares a session's fingerprint with those of a request. `incomparable`: it was made from other features or with a key
 * that is no longer in the ring. A changed configuration is not evidence against a client, so callers treat it like `same`.
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

/** The preferred language only: browsers order and weigh the others differently, and some send only one. */
function firstLanguage(value: string | null): string | null {
  return value?.split(/[,;]/, 1)[0]?.trim().toLowerCase() ?? null;
}

/**
 * The platform of the client hint. Browsers omit the hint in some requests, such as those of workers and those without TLS;
 * then the user agent gives the same platform. The feature detects a hint and a user agent that disagree.
 */
function platform(hint: string | null, userAgent: string | null): string | null {
  const named = hint?.replaceAll('"', '').trim().toLowerCase();
  // Browsers send an empty hint or "Unknown" when they do not know.
  if (named && named !== 'unknown') return named === 'chromium os' ? 'chrome os' : named;
  return parsed(userAgent)?.platform ?? null;
}

/** Twice what browsers send. On a header of maximum length, the pattern below would take tenths of a second. */
const MAX_BRANDS = 512;

/** The names in `"Chromium";v="140", "Not=A?Brand";v="24"`, without the versions and the made-up brand, which both change. */
function brands(value: string | null): string | null {
  if (value === null) return null;
  const names = [...value.slice(0, MAX_BRANDS).matchAll(/"((?:[^"\\]|\\.)*)"\s*;\s*v=/g)].map(
    ([, name = '']) => name,
  );
  return JSON.stringify(names.filter((name) => !/not.*brand/i.test(name)).sort());
}

/** Browser family and platform. No version: a browser update must not look like another device. */
export function browserFamily(userAgent: string | null): string | null {
  return parsed(userAgent)?.family ?? null;
}

interface ParsedAgent {
  readonly family: string;
  /** In lower case; null if the user agent names none. */
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
  if (agents.size >= MAX_AGENTS) agents.clear();
  agents.set(text, agent);
  return agent;
}

/** Cache of a pure function: parsing costs more than the rest of a fingerprint. */
const agents = new Map<string, ParsedAgent>();
const MAX_AGENTS = 1000;
