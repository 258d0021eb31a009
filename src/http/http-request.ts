import type { ExecutionContext } from '@nestjs/common';
import { parseCookie } from 'cookie';
import { normalizeEmail } from '../core/email.js';
import type { EventSource } from '../core/events.js';
import { readAddress } from '../core/network.js';
import { printable } from '../core/printable.js';
import type { RefreshTokenClaims, Transport } from '../core/refresh-token.js';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import type { ClientTraits } from '../tokens/client-traits.js';
import type { RememberedFingerprints } from './remembered-fingerprints.js';

/** The fields that Express and Fastify requests share, and those that the guards set. */
export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
  /** Follows the host's proxy setting; `X-Forwarded-For` is not read here. */
  readonly ip?: string;
  /** The socket of the connection, which may come from a proxy. */
  readonly socket?: { readonly remoteAddress?: string; readonly destroyed?: boolean };
  /** The stream of an HTTP/2 request. */
  readonly stream?: { readonly destroyed?: boolean };
  /** On Fastify, the request of Node.js. */
  readonly raw?: Pick<HttpRequest, 'socket' | 'stream'>;
  readonly protocol: string;
  /** Path and query as received; Nest and its adapters do not change it. */
  readonly originalUrl?: string;
  /** Host with port. */
  readonly host: string;
  user?: AuthenticatedUser;
  /** The token as received, valid or not. */
  presentedRefreshToken?: PresentedRefreshToken | null;
  refreshToken?: RefreshTokenClaims;
}

/** A refresh token as a request carries it. */
export interface PresentedRefreshToken {
  readonly token: string;
  readonly transport: Transport;
}

export type CookieRequest = Pick<HttpRequest, 'headers'>;
export type AddressedRequest = Pick<HttpRequest, 'ip' | 'socket'>;

const MAX_USER_AGENT = 256;

/** Placeholder if there is no request. */
export const NO_REQUEST: HttpRequest = Object.freeze({ method: '', headers: {}, protocol: '', host: '' });

/**
 * The request of a context: of HTTP, or the one that GraphQL and WebSocket servers keep. Other transports get a placeholder
 * without headers, because the caller controls all of their data. Every guard and parameter of a message gets the same
 * object.
 */
export function requestOf(context: ExecutionContext): HttpRequest {
  switch (context.getType<string>()) {
    case 'http':
      // Like `switchToHttp().getRequest()`, but without allocating an object per call.
      return context.getArgByIndex<HttpRequest>(0);
    case 'graphql':
      return requestOfGraphql(context.getArgByIndex<GraphqlContext | undefined>(2));
    case 'ws': {
      // The handshake of a socket.io client has the headers of the upgrade request. A native client has no headers, unless
      // the host sets them.
      const client = context.switchToWs().getClient<{ handshake?: unknown } | undefined>();
      return orNobody(client?.handshake ?? client, client);
    }
    default:
      // The payload may be shared by several messages, or not be an object. The transport's context is unique per message.
      return orNobody(undefined, context.getArgByIndex(1) ?? context.getArgByIndex(0));
  }
}

/** The context that servers pass to resolvers. For graphql-ws, `req` is its own context, with the socket in `extra`. */
export interface GraphqlContext {
  readonly req?: GraphqlSocket;
  readonly extra?: GraphqlSocket['extra'];
  readonly connectionParams?: unknown;
}

interface GraphqlSocket {
  readonly extra?: { readonly socket?: object; readonly request?: unknown };
  readonly connectionParams?: unknown;
}

function requestOfGraphql(context: GraphqlContext | undefined): HttpRequest {
  const upgrade = context?.req?.extra?.request ?? context?.extra?.request;
  if (!upgrade) return orNobody(context?.req, context);
  const request = orNobody(undefined, context) as { -readonly [Key in keyof HttpRequest]: HttpRequest[Key] };
  const { headers, socket } = upgrade as Partial<HttpRequest>;
  // A new object per operation, so that operations of several users do not share what guards set on it.
  Object.assign(request, { headers: headers ?? {}, socket });
  return request;
}

/** Requests for messages without one, by message owner: guards store their results there. */
const placeholders = new WeakMap<object, HttpRequest>();

/** @param owner the object that identifies the message, and finds its placeholder again */
function orNobody(request: unknown, owner: unknown): HttpRequest {
  const { headers } = (request ?? {}) as { headers?: unknown };
  if (typeof headers === 'object' && headers !== null) return request as HttpRequest;
  const isObject = (typeof owner === 'object' && owner !== null) || typeof owner === 'function';
  const known = isObject ? placeholders.get(owner) : undefined;
  const placeholder = known ?? { ...NO_REQUEST };
  if (isObject && !known) placeholders.set(owner, placeholder);
  return placeholder;
}

export function headerOf({ headers }: Pick<HttpRequest, 'headers'>, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

const cookies = new WeakMap<CookieRequest, readonly ReturnType<typeof parseCookie>[]>();

/** The values of all cookies of a name, in order, without duplicates. The header is parsed once per request. */
export function cookiesOf(request: CookieRequest, name: string): string[] {
  let parsed = cookies.get(request);
  if (!parsed) {
    const header = request.headers['cookie'];
    const text = Array.isArray(header) ? header.join('; ') : (header ?? '');
    parsed = parseCookies(text);
    cookies.set(request, parsed);
  }
  return [...new Set(parsed.flatMap((cookie) => cookie[name] || []))];
}

function parseCookies(header: string): ReturnType<typeof parseCookie>[] {
  const cookie = parseCookie(header);
  const pairs = header.split(';');
  // Parse one by one if a name occurs twice, because the library keeps only the first.
  return Object.keys(cookie).length === pairs.length ? [cookie] : pairs.map((pair) => parseCookie(pair));
}

/** The normalised address in a body that is not validated yet; null if there is none. */
export function emailIn(body: unknown): string | null {
  const email = (body as { email?: unknown } | null | undefined)?.email;
  return typeof email === 'string' ? normalizeEmail(email) : null;
}

/**
 * The client's address; behind a trusted proxy it comes from a header. If the header has no address, it is the peer's;
 * empty if there is no peer.
 */
export function addressOf({ ip = '', socket }: AddressedRequest): string {
  return readAddress(ip) ?? readAddress(socket?.remoteAddress ?? '') ?? '';
}

/**
 * Whether the client has closed its connection, or reset its stream (RFC 9113 §6.4). A half-closed connection counts too,
 * because Node.js does not answer it.
 */
function hasHungUp(request: ConnectedRequest): boolean {
  const { socket, stream } = request.raw ?? request;
  return stream?.destroyed ?? socket?.destroyed ?? false;
}

type ConnectedRequest = Pick<HttpRequest, 'headers' | 'ip' | 'socket' | 'stream' | 'raw'>;

/** The sender of a request, without the device cookie. */
export function clientTraits(
  request: ConnectedRequest,
  fingerprints: Pick<RememberedFingerprints, 'of'>,
): ClientTraits {
  const ip = addressOf(request);
  return {
    ip,
    userAgent: userAgentOf(request),
    hasHungUp: () => hasHungUp(request),
    fingerprints: fingerprints.of({ headers: request.headers, address: ip }),
  };
}

/** The sender of a request, for events. */
export function sourceOf(request: CookieRequest & AddressedRequest): EventSource {
  return { ip: addressOf(request), userAgent: userAgentOf(request) };
}

function userAgentOf(request: Pick<HttpRequest, 'headers'>): string | null {
  const userAgent = headerOf(request, 'user-agent');
  return userAgent === null ? null : printable(userAgent, MAX_USER_AGENT);
}
