import { timingSafeEqual } from 'node:crypto';

/** Each value has exactly one spelling: unused bits of the last character must be zero. */
const CANONICAL = /^(?:[\w-]{4})*(?:[\w-]{4}|[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])$/;

/** Whether a text is base64url as in RFC 7515 §2: no padding, and no characters that a decoder would skip. */
export function isCanonicalBase64url(text: string): boolean {
  return CANONICAL.test(text);
}

/** Compares two texts, such as signatures, in a time that depends only on their lengths. */
export function isSameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
