import { createHmac, createSign, type KeyObject } from 'node:crypto';

export type Part = Record<string, unknown>;

const HASHES: Record<string, string> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' };
const SIGNATURES: Record<string, string> = { RS256: 'RSA-SHA256', RS384: 'RSA-SHA384', RS512: 'RSA-SHA512' };

export const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

const decodePart = (token: string, index: number) => {
  const part = token.split('.')[index];
  if (part === undefined) throw new Error('not a JWT');
  return JSON.parse(Buffer.from(part, 'base64url').toString());
};

export const headerOf = (token: string) => decodePart(token, 0);
export const claimsOf = (token: string) => decodePart(token, 1);
export const signatureOf = (token: string): string => token.split('.')[2] ?? '';

/** Signs any text, valid or not: `input` is the encoded header, a dot, and the encoded payload. */
export function signInput(input: string, secret: string | Buffer, alg = 'HS256'): string {
  const hash = HASHES[alg];
  if (hash === undefined) throw new Error(`no HMAC: ${alg}`);
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`;
}

export function sign(
  header: Part,
  payload: unknown,
  secret: string | Buffer,
  alg = String(header.alg),
): string {
  return signInput(`${encode(header)}.${encode(payload)}`, secret, alg);
}

export function signRsa(header: Part, payload: unknown, key: KeyObject): string {
  const input = `${encode(header)}.${encode(payload)}`;
  const algorithm = SIGNATURES[String(header.alg)];
  if (algorithm === undefined) throw new Error(`not an RSA algorithm: ${String(header.alg)}`);
  return `${input}.${createSign(algorithm).update(input).sign(key, 'base64url')}`;
}

/** The token with some header fields and claims changed (`undefined` removes one), signed with `secret`. */
export function resign(
  token: string,
  secret: string | Buffer,
  change: { header?: Part; claims?: Part } = {},
): string {
  return sign({ ...headerOf(token), ...change.header }, { ...claimsOf(token), ...change.claims }, secret);
}

/** Validly signed, but expired `seconds` ago. */
export function expired(token: string, secret: string, seconds = 60): string {
  const exp = Math.floor(Date.now() / 1000) - seconds;
  return resign(token, secret, { claims: { iat: exp - 60, exp } });
}
