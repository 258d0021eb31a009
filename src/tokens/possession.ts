import { Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import type { EventSource } from '../core/events.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import type { ClientTraits, RequestProof } from './client-traits.js';
import { type ProofCheck, ProofVerifier } from './proof-verifier.js';
import { UsedProofs } from './used-proofs.js';

/** A session, and the key that it may be bound to. */
export interface KeyHolder {
  readonly userId: string;
  readonly sessionId: string;
  /** Thumbprint of the key; null if the session is not bound. */
  readonly jkt: string | null;
}

type RefusedCheck = Exclude<ProofCheck, { readonly outcome: 'valid' }>;

const MISSING = { outcome: 'failed', reason: 'proof_missing' } as const;
const REPLAYED = { outcome: 'failed', reason: 'proof_replayed' } as const;

/** Binds sessions to keys of their clients, and requires proofs of these keys (RFC 9449). */
@Injectable()
export class Possession {
  private readonly used = new UsedProofs();
  /** Proofs accepted for the current request: its guard and its service may both check it. */
  private readonly accepted = new WeakSet<ProofCheck>();

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly verifier: ProofVerifier,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Thumbprint of the key that a new session is bound to; null if it is not bound. An invalid proof is refused, not
   * ignored: its client expects a bound session.
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  keyOfNewSession({ proof }: ClientTraits): string | null {
    const { senderConstraint } = this.options.refreshToken;
    if (senderConstraint === 'off' || (senderConstraint === 'optional' && !proof)) return null;
    const check = proof?.() ?? MISSING;
    if (check.outcome === 'valid') return check.jkt;
    throw this.refusal(check);
  }

  /**
   * Requires a proof of the session's key if the session is bound. Reads and writes no store.
   * @returns the id of the proof; null if the session is not bound
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  assertHolder(
    { userId, sessionId, jkt }: KeyHolder,
    proof: RequestProof | undefined,
    source: EventSource | null,
  ): string | null {
    if (jkt === null) return null;
    const check = this.checkFor(jkt, proof);
    if (check.outcome === 'valid') return check.id;
    if (check.outcome === 'failed') {
      const { reason } = check;
      void this.events.emit('refresh_token.proof_failed', { userId, sessionId, reason, source });
    }
    throw this.refusal(check);
  }

  /** Refuses a proof that another process accepted before, according to the recent uses of the session. */
  refuseReplayed({ userId, sessionId }: Omit<KeyHolder, 'jkt'>, source: EventSource | null): never {
    const { reason } = REPLAYED;
    void this.events.emit('refresh_token.proof_failed', { userId, sessionId, reason, source });
    throw this.refusal(REPLAYED);
  }

  /**
   * Requires a proof of the key that an access token is bound to.
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  assertTokenHolder(jkt: string, proof: RequestProof | undefined): void {
    const check = this.checkFor(jkt, proof);
    if (check.outcome !== 'valid') throw this.refusal(check);
  }

  /** Checks that the proof is signed by this key and was not used before. */
  private checkFor(jkt: string, proof: RequestProof | undefined): ProofCheck {
    const check = proof?.() ?? MISSING;
    if (check.outcome === 'failed') return check;
    if (check.jkt !== jkt) return { outcome: 'failed', reason: 'other_key' };
    if (check.outcome === 'nonce_outdated') return check;
    if (this.accepted.has(check)) return check;
    if (!this.used.use(check.id, this.verifier.slot)) return REPLAYED;
    this.accepted.add(check);
    return check;
  }

  private refusal(check: RefusedCheck): AuthError {
    const proofNonce = this.verifier.newNonce();
    if (check.outcome === 'nonce_outdated') return new AuthError('PROOF_NONCE_REQUIRED', { proofNonce });
    const { reason, detail } = check;
    // Browsers sometimes resend a request on their own. The client then signs a new proof, and nothing is lost.
    if (reason === 'proof_replayed') return new AuthError('PROOF_NONCE_REQUIRED', { proofNonce });
    return new AuthError('PROOF_REQUIRED', { proofNonce, ...(detail === undefined ? {} : { detail }) });
  }
}
