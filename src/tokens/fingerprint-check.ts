import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { compareFingerprints } from '../core/fingerprint.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
} from '../core/refresh-token.store.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { type ClientTraits, eventSource, fingerprintsOf } from './client-traits.js';
import { subject } from './refresh-events.js';

const REMEMBERED_MISMATCHES = 10_000;

/** Compares the fingerprint of a session with that of a request, and keeps it up to date. */
@Injectable()
export class FingerprintCheck {
  /** Pairs of session and other fingerprint: each is reported once, even if two browsers take turns. */
  private readonly mismatched = new LRUCache<string, true>({ max: REMEMBERED_MISMATCHES });

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    private readonly events: AuthEventBus,
  ) {}

  /** Whether the fingerprint lets the session continue. Reports each mismatch once, refused or not. */
  admits(session: RefreshSession, client: ClientTraits): boolean {
    const { mode } = this.options.fingerprint;
    const { fingerprint } = session.device;
    if (mode === 'off' || fingerprint === null) return true;
    if (compareFingerprints(fingerprint, fingerprintsOf(client)) !== 'different') return true;
    const refused = mode === 'enforce';
    const shown = `${session.id} ${fingerprintsOf(client)[0]}`;
    if (!this.mismatched.has(shown)) {
      const payload = { ...subject(session), refused, source: eventSource(client) };
      void this.events.emit('fingerprint.mismatched', payload);
    }
    this.mismatched.set(shown, true);
    return !refused;
  }

  /**
   * Stores the newest fingerprint of an admitted client, because keys, features and browsers change during a session. In
   * mode `report` this may be another browser's fingerprint. That is intended: a lost response concerns the browser that
   * asked last, and a later switch to `enforce` must not end sessions for a change that was admitted.
   */
  renew({ id, device: { fingerprint } }: RefreshSession, client: ClientTraits): void {
    const [newest] = fingerprintsOf(client);
    if (fingerprint === null || newest === undefined || newest === fingerprint) return;
    // Not awaited: if it fails, the next refresh repeats it.
    this.store.replaceFingerprint(id, fingerprint, newest).catch(() => undefined);
  }
}
