import { invalidOptions } from './errors.js';

const MIN_SECRET_LENGTH = 32;
const NONCE_BYTES = 12;

/** Encrypts a value of JSON with AES-256-GCM; base64url. @throws AuthClientError `INVALID_OPTIONS` for a short secret */
export async function seal(value: object, secret: string): Promise<string> {
  const key = await keyOf(secret);
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const text = new TextEncoder().encode(JSON.stringify(value));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, text));
  return encode([...iv, ...sealed]);
}

/** `null` for anything that was not sealed with the secret. @throws AuthClientError `INVALID_OPTIONS` for a short secret */
export async function openSealed<T>(text: string | null, secret: string): Promise<T | null> {
  const key = await keyOf(secret);
  try {
    const bytes = decode(text ?? '');
    const iv = bytes.subarray(0, NONCE_BYTES);
    const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, bytes.subarray(NONCE_BYTES));
    return JSON.parse(new TextDecoder().decode(opened)) as T;
  } catch {
    return null;
  }
}

async function keyOf(secret: string): Promise<CryptoKey> {
  if (typeof secret !== 'string' || secret.length < MIN_SECRET_LENGTH)
    throw invalidOptions(`secret needs at least ${MIN_SECRET_LENGTH} random characters.`);
  const bytes = new TextEncoder().encode(`nestjs-silent-auth-client page ${secret}`);
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return crypto.subtle.importKey('raw', digest, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

function encode(bytes: readonly number[]): string {
  const text = btoa(bytes.map((byte) => String.fromCharCode(byte)).join(''));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
