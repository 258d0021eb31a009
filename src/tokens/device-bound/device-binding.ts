import { Inject, Injectable } from '@nestjs/common';
import { packKey, parseDeviceProof, unpackKey } from '../../core/device-proof.js';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import { CLOCK, type Clock } from '../../core/ports.js';
import {
  importProofKey,
  isSignedBy,
  type ProofFailure,
  type ProofKey,
  type SignedText,
} from '../../core/proof.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
} from '../../core/refresh-token.store.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { type ClientTraits, eventSource } from '../client-traits.js';
import { KeyRing } from '../keys/key-ring.js';
import {
  deviceSessionId,
  isCurrentMark,
  type MarkPurpose,
  newMark,
  parseDeviceSessionId,
} from './device-marks.js';

/** Seconds until a browser that skipped its proof may try again. */
const RETRY_AFTER_S = 5;

/** A session as a request shows it, by a refresh token that was verified. */
export interface ShownSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly source: EventSource;
}

/** What a browser hears when it asks for another bound cookie. */
export type Renewal =
  /** It proved its key. */
  | 'renewed'
  /** It has to sign a challenge first. */
  | 'unproven'
  /** There is no such session any more, or it is bound to another key. */
  | 'over';

/**
 * Binds sessions to a key that the browser keeps (Device Bound Session Credentials). A browser registers its key right after
 * the login, in exchange for an identifier; the session is bound when the browser first proves that it received that, or a
 * lost answer would lock its user out. From then on a refresh needs the bound cookie, which a proof of the key renews.
 */
@Injectable()
export class DeviceBinding {
  readonly isOn: boolean;

  constructor(
    @Inject(AUTH_OPTIONS) { refreshToken }: ResolvedAuthOptions,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly keyRing: KeyRing,
    private readonly events: AuthEventBus,
  ) {
    this.isOn = refreshToken.deviceBound === 'optional';
  }

  /** A challenge, or a value of the bound cookie. */
  newMark(purpose: MarkPurpose, sessionId: string): string {
    return newMark(this.signingKey, purpose, sessionId, this.clock.now());
  }

  /**
   * Takes the key of a browser. Writes nothing.
   * @param header `Secure-Session-Response`; null: none
   * @returns the identifier of the session for the browser; null where the proof is not good
   */
  async register(shown: ShownSession, header: string | null): Promise<string | null> {
    await this.clock.settling;
    const proof = header === null ? 'proof_missing' : parseDeviceProof(header);
    if (typeof proof === 'string') return this.failed(shown, proof) || null;
    const deviceKey = proof.key && packKey(proof.key);
    if (!proof.key || !deviceKey) return this.failed(shown, 'proof_malformed') || null;
    if (!this.isCurrent('registration', shown.sessionId, proof.challenge)) return null;
    if (!isSigned(proof, proof.key)) return this.failed(shown, 'proof_signature') || null;
    return deviceSessionId(this.signingKey, shown.sessionId, deviceKey);
  }

  /** The session that a browser calls by this identifier; null where it is none of ours. */
  sessionOf(identifier: string): string | null {
    return parseDeviceSessionId(this.keys, identifier)?.sessionId ?? null;
  }

  /**
   * Whether a browser may have another bound cookie. The first time it binds the session.
   * @param header `Secure-Session-Response`; null: none
   * @throws AuthError (as a rejection) `TEMPORARILY_UNAVAILABLE`
   */
  async renew(shown: ShownSession, identifier: string, header: string | null): Promise<Renewal> {
    const named = parseDeviceSessionId(this.keys, identifier);
    const key = named && unpackKey(named.deviceKey);
    await this.clock.settling;
    if (named?.sessionId !== shown.sessionId || !key) return 'over';
    if (!this.isProven(shown, key, header)) return 'unproven';
    const now = new Date(this.clock.now());
    const session = await this.store.findById(shown.sessionId);
    if (!session || session.revokedAt || session.expiresAt <= now) return 'over';
    if (session.deviceKey === undefined && !named.isRegistered) return 'over';
    const bound = session.deviceKey
      ? session
      : await this.store.bindDevice?.(session.id, named.deviceKey, now);
    return bound?.deviceKey === named.deviceKey ? 'renewed' : 'over';
  }

  /** Whether a request may refresh the session only if it is not bound. Asks no store. */
  mustBeUnbound(sessionId: string, client: ClientTraits): boolean {
    const cookies = client.deviceProof?.cookies ?? [];
    return this.isOn && !cookies.some((cookie) => this.isCurrent('cookie', sessionId, cookie));
  }

  /**
   * Requires the bound cookie, if the session is bound.
   * @throws AuthError `PROOF_REQUIRED`; with `retryAfter` where the browser could not prove itself just now
   */
  assertProven({ id: sessionId, userId, deviceKey }: RefreshSession, client: ClientTraits): void {
    if (deviceKey === undefined || !this.mustBeUnbound(sessionId, client)) return;
    const skipped = skippedFor(sessionId, client.deviceProof?.skipped ?? '');
    const reason = skipped === null ? 'device_unproven' : 'device_skipped';
    this.failed({ sessionId, userId, source: eventSource(client) }, reason);
    if (skipped === null) throw new AuthError('PROOF_REQUIRED');
    throw new AuthError('PROOF_REQUIRED', {
      retryAfter: RETRY_AFTER_S,
      detail: `the browser has not proved its device: ${skipped}`,
    });
  }

  /** An outdated challenge is how a browser gets the current one, and no event. */
  private isProven(shown: ShownSession, key: ProofKey, header: string | null): boolean {
    if (header === null) return false;
    const proof = parseDeviceProof(header);
    if (typeof proof === 'string') return this.failed(shown, proof);
    if (!this.isCurrent('renewal', shown.sessionId, proof.challenge)) return false;
    return isSigned(proof, key) || this.failed(shown, 'proof_signature');
  }

  private isCurrent(purpose: MarkPurpose, sessionId: string, mark: string): boolean {
    return isCurrentMark(this.keys, mark, purpose, sessionId, this.clock.now());
  }

  private failed({ sessionId, userId, source }: ShownSession, reason: ProofFailure): false {
    void this.events.emit('refresh_token.proof_failed', { userId, sessionId, reason, source });
    return false;
  }

  private get keys(): readonly Uint8Array[] {
    return this.keyRing.proofNonceKeys;
  }

  private get signingKey(): Uint8Array {
    const [key] = this.keys;
    if (!key) throw new Error('the first refresh key signs, so a key is derived from it');
    return key;
  }
}

function isSigned(proof: SignedText, key: ProofKey): boolean {
  const imported = importProofKey(key);
  return imported !== null && isSignedBy(proof, imported);
}

/** Why the browser skipped the proof of this session, by its header `Secure-Session-Skipped`; null where it did not. */
function skippedFor(sessionId: string, header: string): string | null {
  const item = new RegExp(`\\b([a-z_]{1,32});session_identifier="${sessionId}\\.`).exec(header);
  return item?.[1] ?? null;
}
