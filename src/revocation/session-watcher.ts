import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import type { RevocationKey } from '../core/ports.js';
import { RevocationService } from './revocation.service.js';

/** The session for {@link SessionWatcher.watch}: the claims `sid` and `ver` of its access token. */
export interface WatchedSession {
  readonly sessionId: string;
  /** Every session of a user ends when the user's token version is retired. */
  readonly tokenVersion: string;
}

/** What ended: one session, or every session under a token version. */
export type EndedSession =
  | { readonly sessionId: string; readonly tokenVersion: null }
  | { readonly sessionId: null; readonly tokenVersion: string };

/**
 * Reports sessions that end, in every process: immediately in the one that ended them, in the others as soon as their guards
 * know (`revocation.pollInterval`, sooner if the store pushes). Does not report sessions that expire, and reports nothing
 * with `revocation.mode: 'off'`.
 *
 * @example
 * const stop = watcher.watch({ sessionId: claims.sid, tokenVersion: claims.ver }, () => connection.close());
 * connection.on('close', stop);
 */
@Injectable()
export class SessionWatcher implements OnModuleDestroy {
  private readonly logger = new Logger('SessionWatcher');
  private readonly watches = new Map<RevocationKey, Set<() => void>>();
  private readonly subject = new Subject<EndedSession>();
  private readonly stop: () => void;

  /** Each session that ends; completes when the application closes. */
  readonly ended: Observable<EndedSession> = this.subject.asObservable();

  constructor(private readonly revocations: RevocationService) {
    this.stop = revocations.onRevoked((keys) => this.report(keys));
  }

  onModuleDestroy(): void {
    this.stop();
    this.watches.clear();
    this.subject.complete();
  }

  /**
   * Calls `close` once when the session ends; immediately if it has already ended. Errors of `close` are logged.
   * @returns a function that ends the watch: call it when the connection closes
   */
  watch({ sessionId, tokenVersion }: WatchedSession, close: () => void): () => void {
    const keys: RevocationKey[] = [`sid:${sessionId}`, `ver:${tokenVersion}`];
    const closeOnce = () => {
      unwatch();
      try {
        close();
      } catch (error) {
        this.logger.error(`a watch of a session failed: ${String(error)}`);
      }
    };
    const unwatch = () => {
      for (const key of keys) this.remove(key, closeOnce);
    };
    for (const key of keys) {
      const watches = this.watches.get(key) ?? new Set();
      this.watches.set(key, watches.add(closeOnce));
    }
    if (this.revocations.isListed(keys)) closeOnce();
    return unwatch;
  }

  /** Number of watched connections. */
  get size(): number {
    return new Set([...this.watches.values()].flatMap((watches) => [...watches])).size;
  }

  private remove(key: RevocationKey, close: () => void): void {
    const watches = this.watches.get(key);
    watches?.delete(close);
    if (watches?.size === 0) this.watches.delete(key);
  }

  private report(keys: readonly RevocationKey[]): void {
    for (const key of keys) {
      for (const close of [...(this.watches.get(key) ?? [])]) close();
      const id = key.slice(4);
      if (key.startsWith('sid:')) this.subject.next({ sessionId: id, tokenVersion: null });
      else if (key.startsWith('ver:')) this.subject.next({ sessionId: null, tokenVersion: id });
    }
  }
}
