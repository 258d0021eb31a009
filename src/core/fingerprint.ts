import { createHmac } from 'node:crypto';
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
 * `HMAC-SHA256(key, canonical JSON of the chosen features)` under each key of the ring. The stored value tells nothing
 * without the key, and a request matches if any key gives the stored value, so key rotation trips nothing.
 */
export function fingerprints(
  traits: RequestTraits,
  features: readonly FingerprintFeature[],
  keys: readonly Uint8Array[],
): string[] {
  const canonical = JSON.stringify([...features].sort().map((feature) => [feature, trait(traits, feature)]));
  return keys.map((key) => createHmac('sha256', key).update(canonical).digest('base64url'));
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
