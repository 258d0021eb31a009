/** Each value has one spelling: unused bits in the last character must be zero. */
const CANONICAL = /^(?:[\w-]{4})*(?:[\w-]{4}|[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])$/;

/** Whether a text is base64url as RFC 7515 §2 writes it: no padding, nothing that a decoder would skip. */
export function isCanonicalBase64url(text: string): boolean {
  return CANONICAL.test(text);
}
