import { isIP } from 'node:net';
import type { ExecutionContext } from '@nestjs/common';
import type { EventSource } from '../core/events.js';
import { fingerprints } from '../core/fingerprint.js';
import type { ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import type { ClientTraits } from '../tokens/client-traits.js';

/** What Express and Fastify requests have in common, and what the guards leave on them. */
export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
  /** Honours the host's proxy trust; `X-Forwarded-For` is not read here. */
  readonly ip?: string;
  /** Of the connection, whoever is behind it. */
  readonly socket?: { readonly remoteAddress?: string };
  readonly protocol: string;
  /** Host with port. */
  readonly host: string;
  user?: AuthenticatedUser;
  refreshToken?: RefreshTokenClaims;
}

const MAX_USER_AGENT = 256;
/** The longest IPv6 address, with an IPv4 tail and a zone. */
const MAX_ADDRESS = 64;

/**
 * The request behind a context: HTTP, or what GraphQL and WebSocket servers carry of it. Nothing else is read: what other
 * transports hand over is the caller's own words. Where there is no request, one without headers stands for it.
 */
export function requestOf(context: ExecutionContext): HttpRequest {
  switch (context.getType<string>()) {
    case 'http':
      // What `switchToHttp().getRequest()` gives, without the object that it makes at every call.
      return context.getArgByIndex<HttpRequest>(0);
    case 'graphql':
      return orNobody(context.getArgByIndex<{ req?: unknown } | undefined>(2)?.req);
    case 'ws': {
      // A socket.io client has a handshake, whose headers are those of the upgrade request; a native one has none, unless
      // the host puts them on it.
      const client = context.switchToWs().getClient<{ handshake?: unknown } | undefined>();
      return orNobody(client?.handshake ?? client);
    }
    default:
      return orNobody(undefined);
  }
}

function orNobody(request: unknown): HttpRequest {
  const { headers } = (request ?? {}) as { headers?: unknown };
  if (typeof headers === 'object' && headers !== null) return request as HttpRequest;
  return { method: '', headers: {}, protocol: '', host: '' };
}

export function headerOf({ headers }: Pick<HttpRequest, 'headers'>, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

/** The client's address; empty where it is none, since behind a trusted proxy it is whatever a header says. */
export function addressOf({ ip = '' }: Pick<HttpRequest, 'ip'>): string {
  return ip.length <= MAX_ADDRESS && isIP(ip) !== 0 ? ip : '';
}

/** Who sent a request, as far as a session cares. */
export function clientOf(
  request: Pick<HttpRequest, 'headers' | 'ip'>,
  fingerprint: Pick<ResolvedAuthOptions['fingerprint'], 'mode' | 'features' | 'keys'>,
): ClientTraits {
  const ip = addressOf(request);
  const traits = { headers: request.headers, address: ip };
  return {
    ip,
    userAgent: printable(headerOf(request, 'user-agent')),
    fingerprints:
      fingerprint.mode === 'off' ? [] : fingerprints(traits, fingerprint.features, fingerprint.keys),
  };
}

/** Who sent a request, as far as an event tells. */
export function sourceOf(request: Pick<HttpRequest, 'headers' | 'ip'>): EventSource {
  return { ip: addressOf(request), userAgent: printable(headerOf(request, 'user-agent')) };
}

/** Short, well-formed and without control characters: it is shown in lists and reports. */
function printable(text: string | null): string | null {
  return (
    text
      ?.slice(0, MAX_USER_AGENT)
      .replace(/\p{Cc}/gu, '')
      .toWellFormed() ?? null
  );
}
