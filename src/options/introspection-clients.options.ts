import { type ClientSecrets, secretHash } from '../core/client-credentials.js';
import { isRefusedSecret } from './keys/guessable-secret.js';
import { MIN_SECRET_BYTES } from './keys/key-spec.js';
import type { OptionReader } from './option-reader.js';

/** The credentials of a service at the OAuth endpoints. */
export interface IntrospectionClient {
  /** At most 200 visible ASCII characters, no colon. */
  id: string;
  /** At least 32 random characters of visible ASCII; base64url needs no escaping in headers, forms or variables. */
  secret: string;
}

/** Visible ASCII (RFC 6749 appendix A.1, A.2), without the colon that separates id and secret in headers and variables. */
const ID = /^[\x21-\x39\x3b-\x7e]{1,200}$/;
const SECRET = /^[\x21-\x7e]+$/;
const SECRET_FIX = `give a secret of at least ${MIN_SECRET_BYTES} random characters, for example: node -p "crypto.randomBytes(32).toString('base64url')"`;

/** Keeps only the hash of each secret. */
export function readIntrospectionClients(
  read: OptionReader<{ introspectionClients?: readonly IntrospectionClient[] }>,
): ClientSecrets {
  const secrets = new Map<string, Uint8Array>();
  const given = read.given('introspectionClients');
  if (given === undefined) return secrets;
  if (!Array.isArray(given)) {
    read.refuse('introspectionClients', "give a list such as [{ id: 'gateway', secret: … }]");
    return secrets;
  }
  for (const [index, client] of (given as unknown[]).entries()) {
    const { id, secret } = (client ?? {}) as { id?: unknown; secret?: unknown };
    const fix = fixOf(id, secret, secrets);
    // The reported problem shows nothing of the client: an entry without an id may be a secret.
    if (fix !== null) read.refuse(`introspectionClients[${index}]`, fix, '(secret)');
    else secrets.set(id as string, secretHash(secret as string));
  }
  return secrets;
}

function fixOf(id: unknown, secret: unknown, known: ClientSecrets): string | null {
  if (typeof id !== 'string' || !ID.test(id))
    return 'give an id of at most 200 visible ASCII characters without a colon';
  if (known.has(id)) return 'two clients have this id: give each its own';
  const isSound = typeof secret === 'string' && SECRET.test(secret) && secret.length >= MIN_SECRET_BYTES;
  return isSound && !isRefusedSecret(Buffer.from(secret)) && secret !== id ? null : SECRET_FIX;
}
