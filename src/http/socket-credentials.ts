/** What a client presents when it opens a socket. */
export type SocketCredentials = { readonly token: string } | { readonly ticket: string };

const TOKEN_NAMES = ['accessToken', 'token', 'authorization', 'Authorization'] as const;
const SCHEME = /^(?:Bearer|DPoP) +/i;

/**
 * Finds credentials in: a token itself; the `auth` of a socket.io handshake, the `connectionParams` of graphql-ws or a first
 * message (`ticket`, `accessToken`, `token` or `authorization`); the header `Authorization` of an upgrade request; or its URL
 * (only a ticket, because tokens must not appear in URLs). Null if there are none.
 */
export function credentialsIn(source: unknown): SocketCredentials | null {
  if (typeof source === 'string') return fromText(source);
  if (typeof source !== 'object' || source === null) return null;
  const { auth, headers, url } = source as { auth?: unknown; headers?: unknown; url?: unknown };
  return fieldsIn(source) ?? fieldsIn(auth) ?? fieldsIn(headers, ['authorization']) ?? ticketIn(url);
}

function fieldsIn(source: unknown, names: readonly string[] = TOKEN_NAMES): SocketCredentials | null {
  if (typeof source !== 'object' || source === null) return null;
  const fields = source as Record<string, unknown>;
  if (names === TOKEN_NAMES && typeof fields['ticket'] === 'string') return { ticket: fields['ticket'] };
  const token = names.map((name) => fields[name]).find((value) => typeof value === 'string');
  return token === undefined ? null : fromText(token);
}

function fromText(text: string): SocketCredentials | null {
  const token = text.replace(SCHEME, '').trim();
  return token === '' ? null : { token };
}

function ticketIn(url: unknown): SocketCredentials | null {
  if (typeof url !== 'string' || !url.includes('?')) return null;
  const ticket = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('ticket');
  return ticket === null ? null : { ticket };
}
