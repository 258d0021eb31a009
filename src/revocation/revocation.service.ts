import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { Clock, RevocationEntry, RevocationKey, RevocationStore } from '../core/ports.js';
import { inTime } from '../database/at-most.js';
import { CLOCK } from '../database/database.module.js';
import { RevocationFeed } from './revocation-feed.js';
import { RevocationList } from './revocation-list.js';
import { RevocationOutbox } from './revocation-outbox.js';

/** Injection token of the {@link RevocationStore} in use. */
export const REVOCATION_STORE = Symbol('REVOCATION_STORE');

/** A mint may be in flight when its session is revoked. */
const MINT_IN_FLIGHT_MS = 60_000;
const SWEEP_INTERVAL_MS = 30_000;
/** Of the store, in mode `strict`. */
const ANSWER_WITHIN_MS = 5000;

/** What an access token can be revoked by. */
export interface RevocableToken {
  readonly jti: string;
  readonly sid: string;
  readonly gen: number;
  readonly ver: string;
}

/** What this process knows of revocations. */
export interface RevocationStats {
  /** Entries in its memory: every one of the last life of an access token, of all processes. */
  readonly held: number;
  /** Entries of its own that the store has not taken yet. */
  readonly waiting: number;
}

/**
 * Revocation of access tokens. Every process holds the entries in memory and follows the store, so that a guard's
 * check is a map lookup; out of touch for too long it refuses with 503, never silently open.
 */
@Injectable()
export class RevocationService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('RevocationService');
  private readonly mode: ResolvedAuthOptions['revocation']['mode'];
  private readonly maxStalenessMs: number;
  private readonly list = new RevocationList();
  private readonly outbox: RevocationOutbox;
  private readonly feed: RevocationFeed;
  /** Of tokens that are asked about again and again: to make the keys each time costs more than to look them up. */
  private readonly keys = new WeakMap<RevocableToken, readonly RevocationKey[]>();
  private sweepDue = 0;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REVOCATION_STORE) private readonly store: RevocationStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.mode = options.revocation.mode;
    this.maxStalenessMs = options.revocation.maxStalenessMs;
    this.outbox = new RevocationOutbox(store, clock);
    this.feed = new RevocationFeed(options.revocation, store, this.list, () => this.tidy());
  }

  /** The list is complete before the first request is served. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.mode === 'off') this.logger.warn('revocation is off: access tokens live until they expire');
    else await this.feed.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.feed.stop();
  }

  /** Ends one access token, whose own expiry is `expiresAt`. */
  async revokeToken(jti: string, expiresAt: Date): Promise<void> {
    await this.add([{ key: `jti:${jti}`, expiresAt }]);
  }

  /** Ends every access token of the sessions. */
  async revokeSessions(sessionIds: readonly string[]): Promise<void> {
    const expiresAt = this.endOfLife();
    await this.add(sessionIds.map((id) => ({ key: `sid:${id}`, expiresAt })));
  }

  /** Ends every access token minted under a retired token version. */
  async revokeTokenVersion(retired: string): Promise<void> {
    await this.add([{ key: `ver:${retired}`, expiresAt: this.endOfLife() }]);
  }

  /**
   * Ends the access tokens of one generation of a session, where `accessToken.retirePrevious` asks for it. Never fails:
   * its rotation is done, and what the store does not take now is written as soon as it can be.
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
   * Whether a token is revoked. In mode `feed` a map lookup, answered at once, no I/O; in mode `strict` a promise, unless
   * it is known here already: `await` it wherever both may be.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE` where the list is older than `revocation.maxStaleness`, or (in the
   * promise) where the store that was asked does not answer
   */
  isRevoked(token: RevocableToken): boolean | Promise<boolean> {
    if (this.mode !== 'feed') return this.mode === 'strict' && this.askStore(this.keysOf(token));
    if (this.feed.stalenessMs > this.maxStalenessMs)
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the revocation feed is stale' });
    return !this.list.isEmpty && this.list.hasAny(this.keysOf(token));
  }

  /** Whether all tokens of a session, or of its user's token version, are revoked, as far as is known here. */
  isSessionRevoked(sid: string, ver: string): boolean {
    return this.list.has(`sid:${sid}`) || this.list.has(`ver:${ver}`);
  }

  /** Whether an access token was revoked by itself, as far as is known here. */
  isTokenRevoked(jti: string): boolean {
    return this.list.has(`jti:${jti}`);
  }

  /** Whether access tokens can be revoked at all. */
  get isOn(): boolean {
    return this.mode !== 'off';
  }

  /** Read from memory, at no cost. */
  get stats(): RevocationStats {
    return { held: this.list.size, waiting: this.outbox.size };
  }

  /** Milliseconds since the last successful read; infinite before the first. */
  get stalenessMs(): number {
    return this.feed.stalenessMs;
  }

  /** Whether this process knows the revocations of the others well enough to serve guarded routes. */
  get isInTouch(): boolean {
    return this.mode === 'off' || this.feed.stalenessMs <= this.maxStalenessMs;
  }

  /** The keys under which a token can be revoked: its session, its user's token version, itself, its generation. */
  private keysOf(token: RevocableToken): readonly RevocationKey[] {
    const known = this.keys.get(token);
    if (known) return known;
    const keys: RevocationKey[] = [`sid:${token.sid}`, `ver:${token.ver}`, `jti:${token.jti}`];
    if (this.options.accessToken.retirePrevious) keys.push(`gen:${token.sid}.${token.gen}`);
    this.keys.set(token, keys);
    return keys;
  }

  /** What this process knows is revoked, and may not have been able to write, stays revoked. */
  private askStore(keys: readonly RevocationKey[]): boolean | Promise<boolean> {
    return this.list.hasAny(keys) || this.answerOfStore(keys);
  }

  /** A promise of our own, of whatever kind the store's is: by that it is known from an answer. */
  private async answerOfStore(keys: readonly RevocationKey[]): Promise<boolean> {
    try {
      // A store of the host may have no deadline of its own, and a request must not wait for ever.
      return await inTime(ANSWER_WITHIN_MS, (async () => this.store.hasAny(keys))());
    } catch (cause) {
      if (cause instanceof AuthError) throw cause;
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the revocation store fails', cause });
    }
  }

  private endOfLife(): Date {
    return new Date(this.clock.now() + this.options.accessToken.ttlMs + MINT_IN_FLIGHT_MS);
  }

  private async add(entries: readonly RevocationEntry[]): Promise<void> {
    if (entries.length === 0 || this.mode === 'off') return;
    // Known here at once; where the store fails the caller is told so.
    this.list.remember(entries);
    await this.outbox.send(entries);
  }

  /** As often as the store is read, and whether or not it answers. */
  private async tidy(): Promise<void> {
    const now = this.clock.now();
    if (now >= this.sweepDue) {
      this.sweepDue = now + SWEEP_INTERVAL_MS;
      this.list.sweep(now);
      this.outbox.sweep(now);
    }
    await this.outbox.flush().catch((error: unknown) => {
      this.logger.warn(`revocations wait to be written: ${String(error)}`);
    });
  }
}
