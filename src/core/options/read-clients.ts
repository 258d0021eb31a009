import { type ClientSecrets, secretHash } from '../client-credentials.js';
import { looksLikePlaceholder, MIN_SECRET_BYTES } from '../key-spec.js';
import type { OptionReader } from './option-reader.js';

const KEY = 'introspectionClients';
/** Visible ASCII (RFC 6749 appendix A.1, A.2); without a colon, which parts the two in a header and in a variable. */
const ID = /^[\x21-\x39\x3b-\x7e]{1,200}$/;
const SECRET = /^[\x21-\x7e]+$/;
const MEND_SECRET = `give a secret of at least ${MIN_SECRET_BYTES} random characters, for example: node -p "crypto.randomBytes(32).toString('base64url')"`;

/** What is kept of a secret is its hash. */
export function readIntrospectionClients(read: OptionReader, given: unknown): ClientSecrets {
  const secrets = new Map<string, Uint8Array>();
  if (given === undefined) return secrets;
  if (!Array.isArray(given)) {
    read.refuse(KEY, given, "give a list such as [{ id: 'gateway', secret: … }]");
    return secrets;
  }
  for (const [index, client] of (given as unknown[]).entries()) {
    const { id, secret } = (client ?? {}) as { id?: unknown; secret?: unknown };
    const mend = mendOf(id, secret, secrets);
    // A problem shows no part of a client: an entry without an id may be a secret.
    if (mend !== null) read.problems.push({ key: `${KEY}[${index}]`, value: '(secret)', mend });
    else secrets.set(id as string, secretHash(secret as string));
  }
  return secrets;
}

function mendOf(id: unknown, secret: unknown, known: ClientSecrets): string | null {
  if (typeof id !== 'string' || !ID.test(id))
    return 'give an id of at most 200 visible ASCII characters without a colon';
  if (known.has(id)) return 'two clients have this id: give each its own';
  const isSound = typeof secret === 'string' && SECRET.test(secret) && secret.length >= MIN_SECRET_BYTES;
  return isSound && !looksLikePlaceholder(secret) && secret !== id ? null : MEND_SECRET;
}
