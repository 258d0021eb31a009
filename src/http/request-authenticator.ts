import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { AccessTokenAuthenticator, type AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { AccessTokenBinding } from './access-token-binding.js';
import { extractAccessToken } from './access-token-header.js';
import { AccessTokens } from './access-tokens.js';
import { FreshAuth } from './fresh-auth.js';
import { attempt } from './guards/passport-attempt.js';
import { type GraphqlContext, type HttpRequest, requestOf } from './http-request.js';
import { SocketSessions } from './socket-sessions.js';
import { JwtStrategy } from './strategies/jwt.strategy.js';

type Attempt = () => void | Promise<void>;

/** Authenticates a request or message by its access token, for all guards. */
@Injectable()
export class RequestAuthenticator {
  /** Users that this class has set. For sockets, the request is the handshake, which outlives the message. */
  private readonly found = new WeakSet<object>();

  constructor(
    private readonly strategy: JwtStrategy,
    private readonly authenticator: AccessTokenAuthenticator,
    private readonly binding: AccessTokenBinding,
    private readonly freshness: FreshAuth,
    private readonly tokens: AccessTokens,
    private readonly sockets: SocketSessions,
    @Inject(AUTH_OPTIONS) private readonly options: Pick<ResolvedAuthOptions, 'accessTokenOf'>,
  ) {}

  /**
   * Sets `request.user`, and checks it against the `@RequireFreshAuth()` of the route. Returns a promise only if needed.
   * @throws AuthError `ACCESS_TOKEN_MISSING`, `…_INVALID`, `…_EXPIRED`, `…_REVOKED`, `REAUTHENTICATION_REQUIRED`, `FORBIDDEN`
   * (a fresh authentication is required and somebody acts for the user), `TEMPORARILY_UNAVAILABLE`
   */
  authenticate(context: ExecutionContext): void | Promise<void> {
    if (context.getType() === 'http') {
      const request = requestOf(context);
      return this.held(context, request, this.authenticateRequest(request));
    }
    const attempt = this.attemptOf(context);
    if (!attempt) throw new AuthError('ACCESS_TOKEN_MISSING');
    return this.held(context, requestOf(context), attempt());
  }

  /** Like {@link authenticate}, but without an access token `request.user` is undefined. */
  authenticateIfAsked(context: ExecutionContext): void | Promise<void> {
    const attempt = this.attemptOf(context);
    const request = requestOf(context);
    if (attempt) return this.held(context, request, attempt());
    delete request.user;
  }

  private held(
    context: ExecutionContext,
    request: HttpRequest,
    pending: void | Promise<void>,
  ): void | Promise<void> {
    if (pending) return pending.then(() => this.freshness.check(context, request.user));
    this.freshness.check(context, request.user);
  }

  /** Whether an earlier guard, perhaps one of the host, has set `request.user` for this message. */
  isAuthenticated(context: ExecutionContext): boolean {
    const { user } = requestOf(context);
    return user !== undefined && (context.getType() === 'http' || !this.found.has(user));
  }

  /** How to authenticate a message; null if it has no token. */
  private attemptOf(context: ExecutionContext): Attempt | null {
    const request = requestOf(context);
    const type = context.getType<string>();
    if (type !== 'http') {
      const token = this.options.accessTokenOf?.(context) ?? (type === 'rpc' ? tokenOfRpc(context) : null);
      if (typeof token === 'string') return () => this.take(request, this.tokens.authenticate(token));
      const { client, credentials } = socketOf(context);
      if (client && this.sockets.knows(client, credentials))
        return () => this.take(request, this.sockets.userOf(client, credentials));
      if (client) return null;
    }
    return extractAccessToken(request) === null ? null : () => this.authenticateRequest(request);
  }

  private async take(request: HttpRequest, admission: Promise<AuthenticatedUser>): Promise<void> {
    delete request.user;
    const user = await admission;
    this.found.add(user);
    request.user = user;
  }

  private authenticateRequest(request: HttpRequest): void | Promise<void> {
    const token = extractAccessToken(request);
    if (token === null) throw new AuthError('ACCESS_TOKEN_MISSING');
    // A token verified before skips Passport; its expiry and revocation are checked every time.
    const claims = this.authenticator.recall(token);
    if (!claims) return this.askStrategy(request);
    this.binding.check(request, claims);
    const admission = this.authenticator.admit(claims);
    if (admission instanceof Promise) return this.authenticated(request, admission);
    request.user = admission;
  }

  private async authenticated(request: HttpRequest, admission: Promise<AuthenticatedUser>): Promise<void> {
    request.user = await admission;
  }

  private async askStrategy(request: HttpRequest): Promise<void> {
    try {
      request.user = await attempt<AuthenticatedUser>(this.strategy, request);
    } catch (cause) {
      throw cause instanceof AuthError ? cause : new AuthError('ACCESS_TOKEN_INVALID', { cause });
    }
  }
}

/** The token of a message to a microservice: `accessToken` of its payload, or `authorization` of gRPC metadata. */
function tokenOfRpc(context: ExecutionContext): string | null {
  const [payload, transport] = context.getArgs<[unknown, unknown]>();
  const { accessToken } = (payload ?? {}) as { accessToken?: unknown };
  if (typeof accessToken === 'string') return accessToken;
  const metadata = (transport ?? {}) as { readonly get?: unknown };
  if (typeof metadata.get !== 'function') return null;
  const values = (metadata as { get(name: string): unknown }).get('authorization');
  const [value] = Array.isArray(values) ? (values as unknown[]) : [];
  return typeof value === 'string' ? extractAccessToken({ headers: { authorization: value } }) : null;
}

/** The socket of a message, and the source of its credentials if it is not connected yet. */
function socketOf(context: ExecutionContext): {
  readonly client?: object | undefined;
  readonly credentials?: unknown;
} {
  switch (context.getType<string>()) {
    case 'ws': {
      const client = context.getArgByIndex<{ readonly handshake?: unknown } | undefined>(0);
      return { client, credentials: client?.handshake ?? headersOnly(client) };
    }
    case 'graphql': {
      const own = context.getArgByIndex<GraphqlContext | undefined>(2);
      const { extra, connectionParams } = own?.req?.extra ? own.req : (own ?? {});
      const credentials = {
        auth: connectionParams,
        headers: (extra?.request as HttpRequest | undefined)?.headers,
      };
      return { client: extra?.socket, credentials };
    }
    default:
      return {};
  }
}

/** A native client has no handshake. Use only its headers: its other fields, such as `url`, do not come from the peer. */
function headersOnly(client: object | undefined): unknown {
  return { headers: (client as Partial<HttpRequest> | undefined)?.headers };
}
