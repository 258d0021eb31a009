import { ECDH } from 'node:crypto';
import { isText, parseJws, type ProofFault, type ProofKey, publicKeyOf, type SignedText } from './proof.js';

const DEVICE_PROOF_TYPE = 'dbsc+jwt';
const MAX_CHALLENGE_LENGTH = 256;
const CURVE = 'prime256v1';
/** First byte of an uncompressed point: both coordinates follow (SEC 1 §2.3.3). */
const UNCOMPRESSED = Buffer.of(4);
/** A compressed point of 33 bytes: the prefix `2` or `3`, and one coordinate. */
const PACKED_KEY = /^A[\w-]{43}$/;

/** A proof of a device-bound session (draft "Device Bound Session Credentials") whose signature is not verified yet. */
export interface DeviceProof extends SignedText {
  /** The challenge that it answers. */
  readonly challenge: string;
  /** Present only at the registration, when the server stores it. */
  readonly key: ProofKey | null;
}

/** Reads the value of a `Secure-Session-Response` header. */
export function parseDeviceProof(header: string): DeviceProof | ProofFault {
  const jws = parseJws(structuredText(header) ?? '', DEVICE_PROOF_TYPE);
  if (typeof jws === 'string') return jws;
  const { parameters, payload, signingInput, signature } = jws;
  const key = parameters['jwk'] === undefined ? null : publicKeyOf(parameters['jwk']);
  const challenge = payload?.['jti'];
  const isKeyOdd = key === null && parameters['jwk'] !== undefined;
  if (isKeyOdd || !isText(challenge, MAX_CHALLENGE_LENGTH)) return 'proof_malformed';
  return { key, challenge, signingInput, signature };
}

/** A string of a structured header (RFC 9651 §3.3.3), without its parameters; Chromium omits the quotes. */
export function structuredText(header: string): string | null {
  return /^(?:"([\w.-]+)"(?:;.*)?|([\w.-]+))$/.exec(header)?.slice(1).find(Boolean) ?? null;
}

/** Compressed form of a key, 44 characters; null if its coordinates are not a point on the curve. */
export function packKey({ x, y }: ProofKey): string | null {
  const point = Buffer.concat([UNCOMPRESSED, Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return convert(point, 'compressed')?.toString('base64url') ?? null;
}

/** The inverse of {@link packKey}; null if the text is not a packed key. */
export function unpackKey(text: string): ProofKey | null {
  if (!PACKED_KEY.test(text)) return null;
  const point = convert(Buffer.from(text, 'base64url'), 'uncompressed');
  if (!point) return null;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((each) => each.toString('base64url'));
  return { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' };
}

function convert(point: Buffer, format: 'compressed' | 'uncompressed'): Buffer | null {
  try {
    return Buffer.from(ECDH.convertKey(point, CURVE, undefined, undefined, format) as Buffer);
  } catch {
    return null;
  }
}
