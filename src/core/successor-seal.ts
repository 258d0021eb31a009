import { createCipheriv, createDecipheriv, createHmac, hash } from 'node:crypto';

export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const SECRET_BYTES = 32;

/** SHA-256 of a refresh token's secret, base64url: the database stores nothing else of it. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** HKDF-SHA256 (RFC 5869) with one output block is two HMACs: less than half the time of `hkdfSync`. */
function sealingKey(secret: string, sessionId: string): Uint8Array {
  const pseudorandomKey = createHmac('sha256', sessionId).update(secret, 'base64url').digest();
  return createHmac('sha256', pseudorandomKey).update('refresh-successor\u0001', 'utf8').digest();
}

/**
 * Encrypts the secret that replaces `secret`, so that only a holder of `secret` can open it: nonce ‖ ciphertext ‖ tag,
 * AES-256-GCM under HKDF-SHA256(secret, salt = session id). The content of the database is not enough to open it.
 * @param nonce {@link NONCE_BYTES} random bytes, never reused for another successor of the same secret
 */
export function sealSuccessor(
  secret: string,
  successor: string,
  sessionId: string,
  nonce: Uint8Array,
): string {
  const cipher = createCipheriv('aes-256-gcm', sealingKey(secret, sessionId), nonce);
  const body = Buffer.concat([cipher.update(Buffer.from(successor, 'base64url')), cipher.final()]);
  return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
}

/** The successor sealed by {@link sealSuccessor}; `null` if it was not sealed under this secret and session. */
export function openSuccessor(secret: string, sealed: string, sessionId: string): string | null {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length !== NONCE_BYTES + SECRET_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv(
    'aes-256-gcm',
    sealingKey(secret, sessionId),
    bytes.subarray(0, NONCE_BYTES),
  );
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
      decipher.final(),
    ]).toString('base64url');
  } catch {
    return null;
  }
}
