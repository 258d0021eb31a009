import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type MonoTypeOperatorFunction, Observable, takeUntil } from 'rxjs';
import type { AccessTokenClaims } from '../core/access-token.js';
import { AuthError, type AuthErrorCode } from '../core/errors.js';
import { CLOCK, type Clock } from '../core/ports.js';
import { SessionWatcher } from '../revocation/session-watcher.js';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { AccessTokens } from './access-tokens.js';
import { errorMessage } from './filters/error-answer.js';
import type { HttpRequest } from './http-request.js';
import { credentialsIn } from './socket-credentials.js';
import { Tickets } from './tickets.js';

export interface SocketOptions {
  /**
   * Whether to close the connection also when its access token expires without renewal.
   * @default false
   */
  readonly closeExpired?: boolean;
}

/** A client of socket.io or of `ws`; some fields exist only in one of them. */
interface SocketClient {
  readonly handshake?: unknown;
  readonly connected?: boolean;
  readonly readyState?: unknown;
  on?(event: string, listener: () => void): unknown;
  emit?(event: string, data: object): unknown;
  disconnect?(close: boolean): unknown;
  close?(code: number, reason: string): unknown;
}

interface Held {
  readonly claims: Promise<AccessTokenClaims>;
  readonly options: SocketOptions;
  /** Stops watching this token. */
  release(): void;
}

/** "Unauthorized", from the range for applications (RFC 6455 §7.4.2); graphql-ws uses the same code. */
const CLOSE_CODE = 4401;
const CLOSING = 2;
/** The longest delay of a timer. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Knows the user of a socket, from its handshake until it closes. The guards use it, so `@UseGuards(JwtAuthGuard)` works on
 * the messages of a gateway and on GraphQL subscriptions. A socket of socket.io or graphql-ws is connected by its first
 * guarded message. Call {@link connect} to refuse unauthenticated clients at once, and always for native `ws`. A connected
 * socket is closed when its session ends, in any process.
 */
@Injectable()
export class SocketSessions implements OnModuleDestroy {
  private readonly held = new WeakMap<object, Held>();
  /** Functions that stop the watches of open connections, for shutdown. */
  private readonly releases = new Set<() => void>();

  constructor(
    private readonly tokens: AccessTokens,
    private readonly tickets: Tickets,
    private readonly watcher: SessionWatcher,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleDestroy(): void {
    for (const release of this.releases) release();
  }

  /**
   * Authenticates a socket, for `handleConnection`. Messages that arrive in the meantime wait for it.
   * @param client a client of socket.io or `ws` (for graphql-ws: `extra.socket` in `onConnect`)
   * @param credentials a token, or an object that contains one: the upgrade request, `connectionParams`, a first message.
   * Defaults to the handshake of socket.io. In a URL, only `?ticket=` is read.
   * @throws AuthError `ACCESS_TOKEN_MISSING`, `…_INVALID`, `…_EXPIRED`, `…_REVOKED`, `TICKET_INVALID`, `PROOF_REQUIRED`,
   * `TEMPORARILY_UNAVAILABLE`; the caller must then close the socket
   *
   * @example
   * async handleConnection(client: WebSocket, request: IncomingMessage) {
   *   await this.sockets.connect(client, request).catch((error) => client.close(4401, error.code));
   * }
   */
  async connect(
    client: object,
    credentials: unknown = (client as SocketClient).handshake,
    options: SocketOptions = {},
  ): Promise<AuthenticatedUser> {
    return this.hold(client, credentials, options);
  }

  /**
   * Accepts a newer token (or ticket) of the same user on an open socket, for a message such as `auth.renew`. Connects a
   * socket that is not connected yet.
   * @throws AuthError as {@link connect}; `ACCESS_TOKEN_INVALID` if the token belongs to another user. The socket then keeps
   * the old token. `@UseFilters(AuthErrorFilter)` sends the error to the client.
   *
   * @example
   * \@SubscribeMessage('auth.renew')
   * \@UseFilters(AuthErrorFilter)
   * renew(@ConnectedSocket() client: Socket, @MessageBody() { accessToken }: { accessToken: string }) {
   *   return this.sockets.renew(client, accessToken).then(() => ({ event: 'auth.renewed', data: null }));
   * }
   */
  async renew(client: object, credentials: unknown): Promise<AuthenticatedUser> {
    const known = this.held.get(client);
    const owner = await known?.claims.catch(() => null);
    return this.hold(client, credentials, known?.options ?? {}, owner?.sub);
  }

  /** Whether a socket is connected, or could be connected with these credentials. */
  knows(client: object, credentials: unknown): boolean {
    return this.held.has(client) || credentialsIn(credentials) !== null;
  }

  /**
   * The user of a socket, checked now. Connects a socket that is not connected yet.
   * @throws AuthError as {@link connect}
   */
  async userOf(client: object, credentials: unknown): Promise<AuthenticatedUser> {
    const known = this.held.get(client);
    return known ? this.tokens.admit(await known.claims) : this.hold(client, credentials, {});
  }

  /**
   * Ends a stream of server-sent events when the session of its request ends.
   *
   * @example
   * \@Sse('news')
   * \@UseGuards(JwtAuthGuard)
   * news(@Req() request: Request) { return this.items$.pipe(this.sockets.untilEnded(request)); }
   */
  untilEnded<T>(
    request: Pick<HttpRequest, 'headers'>,
    options: SocketOptions = {},
  ): MonoTypeOperatorFunction<T> {
    const claims = this.tokens.claimsOfRequest(request);
    if (!claims) return (source) => source;
    const ended = new Observable<true>((subscriber) =>
      this.watch(claims, options, () => subscriber.next(true)),
    );
    return takeUntil(ended);
  }

  private async hold(
    client: object,
    credentials: unknown,
    options: SocketOptions,
    owner?: string,
  ): Promise<AuthenticatedUser> {
    const previous = this.held.get(client);
    const claims = this.verify(credentials, owner);
    // Messages that arrive before the result wait for this. A refused token changes nothing.
    const waiting: Held = { claims, options, release: () => undefined };
    if (!previous) this.held.set(client, waiting);
    try {
      const verified = await claims;
      const user = await this.tokens.admit(verified);
      previous?.release();
      this.held.set(client, { claims, options, release: this.follow(client, verified, options) });
      return user;
    } catch (error) {
      if (this.held.get(client) === waiting) this.held.delete(client);
      throw error;
    }
  }

  private async verify(credentials: unknown, owner: string | undefined): Promise<AccessTokenClaims> {
    const found = credentialsIn(credentials);
    if (!found) throw new AuthError('ACCESS_TOKEN_MISSING');
    const claims =
      'ticket' in found ? await this.tickets.redeem(found.ticket) : await this.tokens.verify(found.token);
    if (owner !== undefined && claims.sub !== owner) throw new AuthError('ACCESS_TOKEN_INVALID');
    return claims;
  }

  /** Closes the socket when its session ends. @returns a function that stops watching */
  private follow(client: SocketClient, claims: AccessTokenClaims, options: SocketOptions): () => void {
    if (hasClosed(client)) return () => undefined;
    const release = this.watch(claims, options, (code) => closeSocket(client, code));
    client.on?.(client.handshake === undefined ? 'close' : 'disconnect', release);
    return release;
  }

  /** @returns a function that stops watching */
  private watch(
    { sid, ver, exp }: AccessTokenClaims,
    { closeExpired = false }: SocketOptions,
    end: (code: AuthErrorCode) => void,
  ): () => void {
    let timer: NodeJS.Timeout | undefined;
    const release = () => {
      unwatch();
      clearTimeout(timer);
      this.releases.delete(release);
    };
    const endOnce = (code: AuthErrorCode) => {
      release();
      end(code);
    };
    const waitForExpiry = () => {
      const leftMs = exp * 1000 - this.clock.now();
      if (leftMs <= 0) return endOnce('ACCESS_TOKEN_EXPIRED');
      timer = setTimeout(waitForExpiry, Math.min(leftMs, MAX_DELAY_MS));
      timer.unref();
    };
    this.releases.add(release);
    let unwatch = () => undefined as void;
    unwatch = this.watcher.watch({ sessionId: sid, tokenVersion: ver }, () =>
      endOnce('ACCESS_TOKEN_REVOKED'),
    );
    if (closeExpired) waitForExpiry();
    return release;
  }
}

function hasClosed({ connected, readyState }: SocketClient): boolean {
  return connected === false || (typeof readyState === 'number' && readyState >= CLOSING);
}

function closeSocket(client: SocketClient, code: AuthErrorCode): void {
  if (client.handshake === undefined) {
    client.close?.(CLOSE_CODE, code);
    return;
  }
  client.emit?.('exception', errorMessage(new AuthError(code)));
  client.disconnect?.(true);
}
