import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type {
  Clock,
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationStore,
} from '../core/ports.js';
import { atMost } from '../database/at-most.js';
import { CLOCK } from '../database/database.module.js';

/** Injection token of the {@link RevocationStore} in use. */
export const REVOCATION_STORE = Symbol('REVOCATION_STORE');

/** A process that stops waits so long for a read under way. */
const LAST_READ_MS = 500;
/** A mint may be in flight when its session is revoked. */
const MINT_IN_FLIGHT_MS = 60_000;
const SWEEP_INTERVAL_MS = 30_000;
/** After a failover the new primary's clock may stand before the mark; a read of everything leaves nothing out. */
const FULL_READ_INTERVAL_MS = 60_000;

/** What an access token can be revoked by. */
export interface RevocableToken {
  readonly jti: string;
  readonly sid: string;
  readonly ver: string;
}

/**
 * Revocation of access tokens. Every process holds the entries in memory and follows the store, so that a guard's
 * check is a map lookup; out of touch for too long it refuses with 503, never silently open.
 */
@Injectable()
export class RevocationService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('RevocationService');
  /** Key → time of expiry in milliseconds. */
  private readonly entries = new Map<RevocationKey, number>();
  /** Of tokens that are asked about again and again: to make the keys each time costs more than to look them up. */
  private readonly keys = new WeakMap<RevocableToken, readonly RevocationKey[]>();
  /** Not yet known to the store: written again until they are. */
  private readonly unwritten = new Map<RevocationKey, RevocationEntry>();
  private mark: RevocationMark | null = null;
  private fullReadDue = 0;
  /** On the process' own monotonic clock, so that no step of any other clock looks like staleness. */
  private freshAt = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private sweepDue = 0;
  private stopped = false;
  private inFlight: Promise<void> = Promise.resolve();

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REVOCATION_STORE) private readonly store: RevocationStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The list is complete before the first request is served. */
  async onApplicationBootstrap(): Promise<void> {
    await this.follow();
    this.schedule();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await atMost(LAST_READ_MS, Promise.resolve(this.inFlight));
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
   * Whether a token is revoked. A map lookup, no I/O.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE` where the list is older than `revocation.maxStaleness`
   */
  isRevoked(token: RevocableToken): boolean {
    if (performance.now() - this.freshAt > this.options.revocation.maxStalenessMs)
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the revocation feed is stale' });
    return this.entries.size > 0 && this.keysOf(token).some((key) => this.entries.has(key));
  }

  /** Whether all tokens of a session, or of its user's token version, are revoked, as far as is known here. */
  isSessionRevoked(sid: string, ver: string): boolean {
    return this.entries.has(`sid:${sid}`) || this.entries.has(`ver:${ver}`);
  }

  /** Milliseconds since the last successful read. */
  get stalenessMs(): number {
    return performance.now() - this.freshAt;
  }

  /** The keys under which a token can be revoked: its session, its user's token version, itself. */
  private keysOf(token: RevocableToken): readonly RevocationKey[] {
    const known = this.keys.get(token);
    if (known) return known;
    const keys = [`sid:${token.sid}`, `ver:${token.ver}`, `jti:${token.jti}`] as const;
    this.keys.set(token, keys);
    return keys;
  }

  private endOfLife(): Date {
    return new Date(this.clock.now() + this.options.accessToken.ttlMs + MINT_IN_FLIGHT_MS);
  }

  private async add(entries: readonly RevocationEntry[]): Promise<void> {
    if (entries.length === 0) return;
    // Known here at once; where the store fails the caller is told so, and the entry is written as soon as it can be.
    this.remember(entries);
    for (const entry of entries) this.unwritten.set(entry.key, entry);
    await this.write(entries);
  }

  private async write(entries: readonly RevocationEntry[]): Promise<void> {
    await this.store.add(entries);
    for (const { key } of entries) this.unwritten.delete(key);
  }

  private remember(entries: readonly RevocationEntry[]): void {
    for (const { key, expiresAt } of entries)
      this.entries.set(key, Math.max(expiresAt.getTime(), this.entries.get(key) ?? 0));
  }

  private async follow(): Promise<void> {
    if (this.unwritten.size > 0) await this.write([...this.unwritten.values()]);
    const startedAt = performance.now();
    const isFullRead = startedAt >= this.fullReadDue;
    const { entries, mark } = await this.store.read(isFullRead ? null : this.mark);
    if (isFullRead) this.fullReadDue = startedAt + FULL_READ_INTERVAL_MS;
    this.remember(entries);
    this.mark = mark;
    // As of the start of the read: what was written meanwhile may be missing from it.
    this.freshAt = startedAt;
    this.sweep();
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.inFlight = this.follow()
        .catch((error: unknown) => this.logger.warn(`cannot read revocations: ${String(error)}`))
        .finally(() => this.schedule());
    }, this.options.revocation.pollIntervalMs);
    this.timer.unref();
  }

  private sweep(): void {
    const now = this.clock.now();
    if (now < this.sweepDue) return;
    this.sweepDue = now + SWEEP_INTERVAL_MS;
    for (const [key, expiresAt] of this.entries) if (expiresAt <= now) this.entries.delete(key);
    for (const [key, { expiresAt }] of this.unwritten)
      if (expiresAt.getTime() <= now) this.unwritten.delete(key);
  }
}
