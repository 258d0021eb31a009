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

/** What a request shows of its sender. */
export interface RequestTraits {
  /** Lower-case header names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly address: string;
}

/**
 * `HMAC-SHA256(key, canonical JSON of the chosen features)` under each key of the ring, each after the name of its scheme:
 * which features, and which key. The stored value tells nothing without the key, and a request matches if any key gives
 * the stored value, so key rotation trips nothing.
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

const INITIALS: Readonly<Record<FingerprintFeature, string>> = {
  'user-agent': 'u',
  'accept-language': 'l',
  'sec-ch-ua-platform': 'p',
  'accept-encoding': 'e',
  'sec-ch-ua': 'b',
  address: 'a',
};

/** Enough to tell the keys of a service apart, too little to tell anything of a key. */
function nameOf(key: Uint8Array): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = createHash('sha256').update('fingerprint key').update(key).digest('base64url').slice(0, 4);
  names.set(key, name);
  return name;
}
const names = new WeakMap<Uint8Array, string>();

/**
 * Compares a session's fingerprint with those of a request. `incomparable`: it was taken of other features, or under a key
 * that is gone; a change of the configuration is no evidence against anybody, so it counts as the same where it matters.
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
  const raw = traits.headers[feature];
  const value = Array.isArray(raw) ? raw.join(', ') : (raw ?? null);
  return feature === 'user-agent' ? browserFamily(value) : value;
}

/** Browser family and platform: a browser update must not look like another device. */
export function browserFamily(userAgent: string | null): string | null {
  if (!userAgent) return null;
  const text = userAgent.slice(0, 256);
  const known = families.get(text);
  if (known !== undefined) return known;
  const { browser, os } = Bowser.parse(text);
  // Programs that are no browser name themselves in the first product token.
  const family = `${browser.name || text.split(/[/\s]/, 1)[0]}|${os.name ?? ''}`;
  if (families.size >= MAX_FAMILIES) families.clear();
  families.set(text, family);
  return family;
}

/** Parsing costs more than all the rest of a fingerprint, and the same text always gives the same family. */
const families = new Map<string, string>();
const MAX_FAMILIES = 1000;
