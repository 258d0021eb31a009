import type { ExecutionContext } from '@nestjs/common';
import { parseCookie } from 'cookie';
import { normalizeEmail } from '../core/email.js';
import type { EventSource } from '../core/events.js';
import { fingerprints } from '../core/fingerprint.js';
import { readAddress } from '../core/network.js';
import { printable } from '../core/printable.js';
import type { RefreshTokenClaims, Transport } from '../core/refresh-token.js';
import type { ResolvedAuthOptions } from '../options/resolve-options.js';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import type { ClientTraits } from '../tokens/client-traits.js';

/** What Express and Fastify requests have in common, and what the guards leave on them. */
export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
  /** Honours the host's proxy trust; `X-Forwarded-For` is not read here. */
  readonly ip?: string;
  /** Of the connection, which may be a proxy's. */
  readonly socket?: { readonly remoteAddress?: string; readonly destroyed?: boolean };
  /** Of HTTP/2. */
  readonly stream?: { readonly destroyed?: boolean };
  /** Fastify: the request of Node.js. */
  readonly raw?: Pick<HttpRequest, 'socket' | 'stream'>;
  readonly protocol: string;
  /** Path and query as they came; Nest and its adapters do not change it. */
  readonly originalUrl?: string;
  /** Host with port. */
  readonly host: string;
  user?: AuthenticatedUser;
  /** As it came, whether or not it is valid. */
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

/** Stands for a request where there is none. */
export const NO_REQUEST: HttpRequest = Object.freeze({ method: '', headers: {}, protocol: '', host: '' });

/**
 * The request behind a context: of HTTP, or as GraphQL and WebSocket servers carry it. Other transports get one without
 * headers, because the caller controls everything they hand over. The same object for every guard and parameter of a message.
 */
export function requestOf(context: ExecutionContext): HttpRequest {
  switch (context.getType<string>()) {
    case 'http':
      // As `switchToHttp().getRequest()`, without the object that it creates at every call.
      return context.getArgByIndex<HttpRequest>(0);
    case 'graphql':
      return requestOfGraphql(context.getArgByIndex<GraphqlContext | undefined>(2));
    case 'ws': {
      // A socket.io client has a handshake, whose headers are those of the upgrade request; a native one has none, unless
      // the host puts them on it.
      const client = context.switchToWs().getClient<{ handshake?: unknown } | undefined>();
      return orNobody(client?.handshake ?? client, client);
    }
    default:
      // The payload may be shared by several messages, or be no object; the transport's context is this message's own.
      return orNobody(undefined, context.getArgByIndex(1) ?? context.getArgByIndex(0));
  }
}

/** As servers hand it to resolvers: of a subscription by graphql-ws `req` is its context, with the socket in `extra`. */
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
  // One for each operation, because several users' operations may not share what guards leave on it.
  Object.assign(request, { headers: headers ?? {}, socket });
  return request;
}

/** What guards leave on a request, where the message has none. */
const placeholders = new WeakMap<object, HttpRequest>();

/** @param owner of the message: its placeholder is found again by it */
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

/** The values of all cookies of a name, in their order, each once. The header is parsed once per request. */
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
  // One by one where a name comes twice: the library keeps the first alone.
  return Object.keys(cookie).length === pairs.length ? [cookie] : pairs.map((pair) => parseCookie(pair));
}

/** The normalised address in a body that is not validated yet; null if there is none. */
export function emailIn(body: unknown): string | null {
  const email = (body as { email?: unknown } | null | undefined)?.email;
  return typeof email === 'string' ? normalizeEmail(email) : null;
}

/**
 * The client's address; behind a trusted proxy it comes from a header. The peer's where that holds none, and empty where
 * there is no peer.
 */
export function addressOf({ ip = '', socket }: AddressedRequest): string {
  return readAddress(ip) ?? readAddress(socket?.remoteAddress ?? '') ?? '';
}

/**
 * Whether the client has closed its connection, or reset its stream (RFC 9113 §6.4). Node.js answers nobody who has closed
 * the sending half alone, so that counts as well.
 */
function hasHungUp(request: ConnectedRequest): boolean {
  const { socket, stream } = request.raw ?? request;
  return stream?.destroyed ?? socket?.destroyed ?? false;
}

type ConnectedRequest = Pick<HttpRequest, 'headers' | 'ip' | 'socket' | 'stream' | 'raw'>;

/** The sender of a request, but for the device cookie. */
export function clientTraits(
  request: ConnectedRequest,
  fingerprint: Pick<ResolvedAuthOptions['fingerprint'], 'mode' | 'features' | 'keys'>,
): ClientTraits {
  const ip = addressOf(request);
  const traits = { headers: request.headers, address: ip };
  return {
    ip,
    userAgent: userAgentOf(request),
    hasHungUp: () => hasHungUp(request),
    fingerprints:
      fingerprint.mode === 'off' ? [] : fingerprints(traits, fingerprint.features, fingerprint.keys),
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
