import type { ExecutionContext } from '@nestjs/common';
import { fingerprints } from '../core/fingerprint.js';
import type { ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import type { ClientTraits } from '../tokens/refresh-token.service.js';

/** What Express and Fastify requests have in common, and what the guards leave on them. */
export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
  /** Honours the host's proxy trust; `X-Forwarded-For` is not read here. */
  readonly ip?: string;
  readonly protocol: string;
  /** Host with port. */
  readonly host: string;
  user?: AuthenticatedUser;
  refreshToken?: RefreshTokenClaims;
}

const MAX_USER_AGENT = 256;

/** The request behind a context: HTTP, or what GraphQL and WebSocket servers carry of it. */
export function requestOf(context: ExecutionContext): HttpRequest {
  switch (context.getType<string>()) {
    case 'graphql':
      return context.getArgByIndex<{ req: HttpRequest }>(2).req;
    case 'ws': {
      // A socket.io client has a handshake; its headers are those of the upgrade request.
      const client = context.switchToWs().getClient<HttpRequest & { handshake?: HttpRequest }>();
      return client.handshake ?? client;
    }
    default:
      return context.switchToHttp().getRequest<HttpRequest>();
  }
}

export function headerOf(request: HttpRequest, name: string): string | null {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

/** Who sent a request, as far as a session cares. */
export function clientOf(request: HttpRequest, { fingerprint }: ResolvedAuthOptions): ClientTraits {
  const ip = request.ip ?? '';
  const traits = { headers: request.headers, address: ip };
  return {
    ip,
    userAgent: headerOf(request, 'user-agent')?.slice(0, MAX_USER_AGENT) ?? null,
    fingerprints:
      fingerprint.mode === 'off' ? [] : fingerprints(traits, fingerprint.features, fingerprint.keys),
  };
}
