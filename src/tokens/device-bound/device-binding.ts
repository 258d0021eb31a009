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

/** The session of a request, from its verified refresh token. */
export interface ShownSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly source: EventSource;
}

/** The answer to a browser that asks for a new bound cookie. */
export type Renewal =
  /** It proved its key. */
  | 'renewed'
  /** It has to sign a challenge first. */
  | 'unproven'
  /** The session no longer exists, or it is bound to another key. */
  | 'over';

/**
 * Binds sessions to a key that the browser keeps (Device Bound Session Credentials). The browser registers its key right
 * after the login and receives an identifier. The session is bound only when the browser proves that it received the
 * identifier: otherwise a lost response would lock the user out. From then on a refresh needs the bound cookie, which a
 * proof of the key renews.
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

  /** Returns a challenge, or a value of the bound cookie. */
  newMark(purpose: MarkPurpose, sessionId: string): string {
    return newMark(this.signingKey, purpose, sessionId, this.clock.now());
  }

  /**
   * Checks the key that a browser registers. Writes nothing.
   * @param header value of `Secure-Session-Response`; null if absent
   * @returns the identifier of the session for the browser; null if the proof is not valid
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

  /** The session with this identifier; null if this service did not issue the identifier. */
  sessionOf(identifier: string): string | null {
    return parseDeviceSessionId(this.keys, identifier)?.sessionId ?? null;
  }

  /**
   * Decides whether a browser gets a new bound cookie. The first time it also binds the session.
   * @param header value of `Secure-Session-Response`; null if absent
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

  /** True if the request lacks a valid bound cookie, so it may only refresh an unbound session. Reads no store. */
  mustBeUnbound(sessionId: string, client: ClientTraits): boolean {
    const cookies = client.deviceProof?.cookies ?? [];
    return this.isOn && !cookies.some((cookie) => this.isCurrent('cookie', sessionId, cookie));
  }

  /**
   * Requires the bound cookie if the session is bound.
   * @throws AuthError `PROOF_REQUIRED`; with `retryAfter` if the browser skipped the proof this time
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

  /** An outdated challenge emits no event: browsers send one to get the current one. */
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

/** Why the browser skipped the proof of this session, from the header `Secure-Session-Skipped`; null if it did not. */
function skippedFor(sessionId: string, header: string): string | null {
  const item = new RegExp(`\\b([a-z_]{1,32});session_identifier="${sessionId}\\.`).exec(header);
  return item?.[1] ?? null;
}
