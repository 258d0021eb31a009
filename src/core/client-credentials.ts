import { createHash, timingSafeEqual } from 'node:crypto';
import type { Form } from './form.js';

/** SHA-256 of the secret, by client id: hashes have equal length, so comparing them takes constant time. */
export type ClientSecrets = ReadonlyMap<string, Uint8Array>;

export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
}

/** How a request names its client. `ambiguous`: in two ways (RFC 6749 §2.3). `none`: in no supported way. */
export type PresentedClient =
  | { readonly outcome: 'presented'; readonly client: ClientCredentials }
  | { readonly outcome: 'ambiguous' }
  | { readonly outcome: 'none' };

const NONE: PresentedClient = { outcome: 'none' };
const MAX_HEADER_LENGTH = 4096;
const BASIC = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i;

/** The credentials of a request: HTTP Basic, or `client_id` and `client_secret` in its form (RFC 6749 §2.3.1). */
export function presentedClient(authorization: string | null, form: Form): PresentedClient {
  const id = form.get('client_id');
  const secret = form.get('client_secret');
  if (authorization === null)
    return id !== undefined && secret !== undefined ? presented({ id, secret }) : NONE;
  if (secret !== undefined) return { outcome: 'ambiguous' };
  const client = basicCredentials(authorization);
  // The form may repeat the id, but must not name another client.
  if (client && id !== undefined && id !== client.id) return { outcome: 'ambiguous' };
  return client ? presented(client) : NONE;
}

/** Takes the same time for an unknown client, so the time does not reveal which ids exist. */
export function isKnownClient({ id, secret }: ClientCredentials, secrets: ClientSecrets): boolean {
  const expected = secrets.get(id);
  const isEqual = timingSafeEqual(secretHash(secret), expected ?? new Uint8Array(32));
  return isEqual && expected !== undefined;
}

export function secretHash(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}

function presented(client: ClientCredentials): PresentedClient {
  return { outcome: 'presented', client };
}

/** Both parts are form-encoded before they are joined (RFC 6749 §2.3.1), so they may contain colons and percent signs. */
function basicCredentials(authorization: string): ClientCredentials | null {
  if (authorization.length > MAX_HEADER_LENGTH) return null;
  const encoded = BASIC.exec(authorization)?.[1];
  if (encoded === undefined) return null;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1) return null;
  const id = formDecoded(pair.slice(0, colon));
  const secret = formDecoded(pair.slice(colon + 1));
  return id === null || secret === null ? null : { id, secret };
}

function formDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
