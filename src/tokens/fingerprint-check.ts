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
  /** Session and other fingerprint: each pair is reported once, also where two browsers take turns. */
  private readonly mismatched = new LRUCache<string, true>({ max: REMEMBERED_MISMATCHES });

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    private readonly events: AuthEventBus,
  ) {}

  /** Whether the session may continue, as far as its fingerprint says. Reports a mismatch, once, in either case. */
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
   * Keeps the newest fingerprint of a client that was admitted: keys, features and browsers change faster than sessions
   * end. In mode `report` that may be another browser's: a lost answer was lost to the browser that asked last, and a
   * stricter mode later must not end sessions for a change that was admitted.
   */
  renew({ id, device: { fingerprint } }: RefreshSession, client: ClientTraits): void {
    const [newest] = fingerprintsOf(client);
    if (fingerprint === null || newest === undefined || newest === fingerprint) return;
    // Not awaited: the next refresh does it where this fails.
    this.store.replaceFingerprint(id, fingerprint, newest).catch(() => undefined);
  }
}
