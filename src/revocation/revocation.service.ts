import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import {
  CLOCK,
  type Clock,
  type RevocationEntry,
  type RevocationKey,
  type RevocationStore,
} from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { RevocationFeed } from './revocation-feed.js';
import { RevocationList } from './revocation-list.js';
import { RevocationOutbox } from './revocation-outbox.js';

/** Injection token of the {@link RevocationStore} in use. */
export const REVOCATION_STORE = Symbol('REVOCATION_STORE');

/** An access token may still be minted while its session is being revoked. */
const MINT_IN_FLIGHT_MS = 60_000;
const SWEEP_INTERVAL_MS = 30_000;
/** A larger step back of the shared clock means that it was wrong before. */
const CLOCK_FELL_BACK_MS = 30_000;
const MAX_GENERATIONS = 100;
/** Timeout of the store in mode `strict`. */
const ANSWER_WITHIN_MS = 5000;

/** The claims by which an access token can be revoked. */
export interface RevocableToken {
  readonly jti: string;
  readonly sid: string;
  readonly gen: number;
  readonly ver: string;
  /** User id: takes the place of `rol` in a token without it. */
  readonly sub: string;
  readonly rol?: string;
  /** Who acts for the user, with the same fields. */
  readonly act?: { readonly sub: string; readonly rol?: string };
  /** When it was minted, in seconds since the epoch. */
  readonly iat?: number;
}

/** The options that revocation reads. */
interface RevocationSettings {
  readonly revocation: ResolvedAuthOptions['revocation'];
  readonly accessToken: Pick<ResolvedAuthOptions['accessToken'], 'ttlMs' | 'retirePrevious'>;
}

/** Number of entries that this process holds. */
export interface RevocationStats {
  /** Entries in memory: those of all processes within the lifetime of an access token. */
  readonly held: number;
  /** This process's entries that are not written to the store yet. */
  readonly waiting: number;
}

/**
 * Revocation of access tokens. Every process holds the entries in memory and follows the store, so a guard's check is a map
 * lookup. A process that cannot read the store for too long refuses with 503 instead of accepting revoked tokens.
 */
@Injectable()
export class RevocationService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('RevocationService');
  private readonly mode: ResolvedAuthOptions['revocation']['mode'];
  private readonly lifeMs: number;
  private readonly list: RevocationList;
  private readonly outbox: RevocationOutbox;
  private readonly feed: RevocationFeed;
  /** Keys per token object, because building them costs more than the lookup and tokens are used repeatedly. */
  private readonly keys = new WeakMap<RevocableToken, readonly RevocationKey[]>();
  private readonly listeners = new Set<(keys: readonly RevocationKey[]) => void>();
  /** On the monotonic clock. */
  private sweepDue = 0;
  /** The shared clock minus the monotonic clock, at the last check. */
  private clockOffsetMs = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: RevocationSettings,
    @Inject(REVOCATION_STORE) private readonly store: RevocationStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.mode = options.revocation.mode;
    this.lifeMs = options.accessToken.ttlMs + MINT_IN_FLIGHT_MS;
    this.list = new RevocationList(this.lifeMs, (keys) => {
      for (const listener of this.listeners) listener(keys);
    });
    this.outbox = new RevocationOutbox(store, clock);
    this.feed = new RevocationFeed(
      options.revocation,
      store,
      this.list,
      () => this.tidy(),
      (startedAt) => this.restoreLost(startedAt),
    );
  }

  /** The list is complete before the first request is served. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.mode === 'off') this.logger.warn('revocation is off: access tokens live until they expire');
    else await this.feed.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.feed.stop();
  }

  /**
   * Calls `listener` once per revocation, in every process: immediately in the one that revokes, in the others when the feed
   * delivers it.
   * @param listener must not throw
   * @returns a function that ends the subscription
   */
  onRevoked(listener: (keys: readonly RevocationKey[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Whether this process knows one of the keys as revoked. */
  isListed(keys: readonly RevocationKey[]): boolean {
    return this.list.hasAny(keys);
  }

  /** Revokes one access token, whose own expiry is `expiresAt`. */
  async revokeToken(jti: string, expiresAt: Date): Promise<void> {
    await this.add([{ key: `jti:${jti}`, expiresAt }]);
  }

  /** Revokes every access token of the sessions. */
  async revokeSessions(sessionIds: readonly string[]): Promise<void> {
    const expiresAt = this.endOfLife();
    await this.add(sessionIds.map((id) => ({ key: `sid:${id}`, expiresAt })));
  }

  /** Revokes every access token that was minted under a retired token version. */
  async revokeTokenVersion(retired: string): Promise<void> {
    await this.add([{ key: `ver:${retired}`, expiresAt: this.endOfLife() }]);
  }

  /**
   * Revokes every access token with a retired roles version; no session ends.
   * @param retired the version, or the user id if there was none
   */
  async revokeRolesVersion(retired: string): Promise<void> {
    await this.add([{ key: `rol:${retired}`, expiresAt: this.endOfLife() }]);
  }

  /**
   * Revokes the access tokens of one generation of a session, if `accessToken.retirePrevious` is set. Never fails, because the
   * rotation is already done; a failed write is retried.
   */
  async retireGeneration(sessionId: string, generation: number): Promise<void> {
    if (!this.options.accessToken.retirePrevious) return;
    try {
      await this.add([{ key: `gen:${sessionId}.${generation}`, expiresAt: this.endOfLife() }]);
    } catch (error) {
      this.logger.warn(`a retired access token waits for the store: ${String(error)}`);
    }
  }

  /**
   * Revokes the access tokens of the generations `from` to `to` of a session, but at most the latest hundred: earlier ones were
   * revoked when they were abandoned.
   */
  async revokeGenerations(sessionId: string, from: number, to: number): Promise<void> {
    const first = Math.max(from, to - MAX_GENERATIONS + 1);
    const expiresAt = this.endOfLife();
    const generations = Array.from({ length: Math.max(0, to - first + 1) }, (_, index) => first + index);
    await this.add(generations.map((each) => ({ key: `gen:${sessionId}.${each}` as const, expiresAt })));
  }

  /**
   * Whether a token is revoked. In mode `feed` a synchronous map lookup, unless the list is older than
   * `revocation.maxStaleness`: then a promise that first reads the store. In mode `strict` a promise, unless this process
   * already knows that the token is revoked.
   * @param now the time by the shared clock; pass it if it was just read, to save another read
   * @throws AuthError (as a rejection) `TEMPORARILY_UNAVAILABLE` if the store does not answer
   */
  isRevoked(token: RevocableToken, now = this.clock.now()): boolean | Promise<boolean> {
    if (this.mode === 'off') return false;
    if (isFromFuture(token, now)) return true;
    const isListed = !this.list.isEmpty && this.list.hasAny(this.keysOf(token));
    // A known revocation holds even if it could not be written.
    if (isListed) return true;
    if (this.mode === 'strict') return this.answerOfStore(this.keysOf(token));
    return this.feed.isStale && this.answerOfFreshList(token);
  }

  /** Whether this process knows that the session or its user's token version is revoked. */
  isSessionRevoked(sid: string, ver: string): boolean {
    return this.list.has(`sid:${sid}`) || this.list.has(`ver:${ver}`);
  }

  /** Whether this process knows that this access token is revoked. */
  isTokenRevoked(jti: string): boolean {
    return this.list.has(`jti:${jti}`);
  }

  /** Whether access tokens can be revoked at all. */
  get isOn(): boolean {
    return this.mode !== 'off';
  }

  /** Read from memory. */
  get stats(): RevocationStats {
    return { held: this.list.size, waiting: this.outbox.size };
  }

  /** Milliseconds since the last successful read began; infinite before the first. */
  get stalenessMs(): number {
    return this.feed.stalenessMs;
  }

  /** Whether this process's list is fresh enough to serve guarded routes. */
  get isInTouch(): boolean {
    return this.mode === 'off' || !this.feed.isStale;
  }

  /** Like {@link isInTouch}, but reads first if it is not: a process that was frozen has to catch up. */
  async catchUp(): Promise<boolean> {
    if (!this.isInTouch) await this.feed.freshen().catch(() => undefined);
    return this.isInTouch;
  }

  private async answerOfFreshList(token: RevocableToken): Promise<boolean> {
    await this.feed.freshen();
    return this.list.hasAny(this.keysOf(token));
  }

  /**
   * The keys under which a token can be revoked: its session, its user's token version, itself, its generation, its roles, and
   * the roles of a user who acts for the user.
   */
  private keysOf(token: RevocableToken): readonly RevocationKey[] {
    const known = this.keys.get(token);
    if (known) return known;
    const keys: readonly RevocationKey[] = [
      `sid:${token.sid}`,
      `ver:${token.ver}`,
      `jti:${token.jti}`,
      `gen:${token.sid}.${token.gen}`,
      `rol:${token.rol ?? token.sub}`,
      ...(token.act ? [`rol:${token.act.rol ?? token.act.sub}` as const] : []),
    ];
    this.keys.set(token, keys);
    return keys;
  }

  private async answerOfStore(keys: readonly RevocationKey[]): Promise<boolean> {
    try {
      // A store of the host may have no timeout of its own, and a request must not wait forever.
      return await withTimeout(() => this.store.hasAny(keys), ANSWER_WITHIN_MS);
    } catch (cause) {
      if (cause instanceof AuthError) throw cause;
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the revocation store fails', cause });
    }
  }

  private endOfLife(): Date {
    return new Date(this.clock.now() + this.lifeMs);
  }

  private async add(entries: readonly RevocationEntry[]): Promise<void> {
    if (entries.length === 0 || this.mode === 'off') return;
    // Known here immediately, even if the write fails.
    this.list.remember(entries);
    await this.outbox.send(entries);
  }

  /** Runs before each read of the store. */
  private async tidy(): Promise<void> {
    if (performance.now() >= this.sweepDue) {
      this.sweepDue = performance.now() + SWEEP_INTERVAL_MS;
      this.list.sweep(this.clock.now());
      this.outbox.sweep((key) => this.list.has(key));
    }
    this.restoreRows();
    await this.flush();
  }

  private async flush(): Promise<void> {
    await this.outbox.flush().catch((error: unknown) => {
      this.logger.warn(`revocations wait to be written: ${String(error)}`);
    });
  }

  /** Writes again what the store has lost in a failover, for the processes that start later or missed its push. */
  private restoreLost(readStartedAt: number): void {
    if (!this.store.canLoseEntries) return;
    const lost = this.list.unseenSince(readStartedAt, this.clock.now());
    if (lost.length === 0) return;
    this.logger.warn(`the store has lost ${lost.length} revocations: they are written again`);
    this.outbox.queue(lost);
    void this.flush();
  }

  /**
   * While the database's clock was ahead, its TTL index removed rows too early. When the clock is right again, they are written
   * again for processes that start later.
   */
  private restoreRows(): void {
    const offsetMs = this.clock.now() - performance.now();
    if (offsetMs < this.clockOffsetMs - CLOCK_FELL_BACK_MS) this.outbox.queue(this.list.all);
    this.clockOffsetMs = offsetMs;
  }
}

/**
 * Whether a token was minted by a clock that was ahead: it would outlive the entries that revoke it. Its client refreshes and
 * gets a valid one.
 */
function isFromFuture({ iat }: RevocableToken, now: number): boolean {
  return iat !== undefined && iat * 1000 > now + MINT_IN_FLIGHT_MS;
}
