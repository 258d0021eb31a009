import type { KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CLOCK, type Clock } from '../core/ports.js';
import {
  importProofKey,
  isSignedBy,
  parseProof,
  type Proof,
  type ProofFailure,
  proofMismatch,
  type ProvenRequest,
} from '../core/proof.js';
import { currentNonces, nonceSlot, proofNonce } from '../core/proof-nonce.js';
import { KeyRing } from './keys/key-ring.js';
import { proofId } from './used-proofs.js';

/** Imported keys are cached: the import takes longer than verifying a signature. */
const REMEMBERED_KEYS = 1000;

/** The result of verifying a proof, for any key. `jkt` is the thumbprint of the key that signed it, `id` its {@link proofId}. */
export type ProofCheck =
  | { readonly outcome: 'valid'; readonly jkt: string; readonly id: string }
  /** Valid except for its nonce. */
  | { readonly outcome: 'nonce_outdated'; readonly jkt: string }
  | { readonly outcome: 'failed'; readonly reason: ProofFailure; readonly detail?: string };

interface CurrentNonces {
  readonly slot: number;
  readonly keys: readonly Uint8Array[];
  readonly newest: string;
  readonly good: ReadonlySet<string>;
}

/** Verifies proofs of possession (RFC 9449 §4.3) and issues their nonces (§8). Reads no store. */
@Injectable()
export class ProofVerifier {
  private readonly keys = new LRUCache<string, KeyObject>({ max: REMEMBERED_KEYS });
  private known: CurrentNonces | null = null;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly keyRing: KeyRing,
  ) {}

  /** The nonce for the next proof: valid for one to two minutes, in every process that shares the refresh keys. */
  newNonce(): string {
    return this.nonces.newest;
  }

  /** @param text the value of the header `DPoP` */
  verify(text: string, request: ProvenRequest): ProofCheck {
    const proof = parseProof(text);
    if (typeof proof === 'string') return failed(proof);
    const key = this.keys.get(proof.jkt) ?? importProofKey(proof.key);
    if (!key) return failed('proof_malformed');
    if (!isSignedBy(proof, key)) return failed('proof_signature');
    this.keys.set(proof.jkt, key);
    const mismatch = proofMismatch(proof, request);
    if (mismatch) return failed(mismatch, mismatch === 'other_url' ? urlOf(proof) : undefined);
    const { jkt, jti, nonce } = proof;
    if (nonce === null || !this.nonces.good.has(nonce)) return { outcome: 'nonce_outdated', jkt };
    return { outcome: 'valid', jkt, id: proofId(jkt, jti) };
  }

  /** The number of the current time slot of nonces. */
  get slot(): number {
    return nonceSlot(this.clock.now());
  }

  /** Derived once per time slot and set of keys. */
  private get nonces(): CurrentNonces {
    const { slot } = this;
    const { proofNonceKeys: keys } = this.keyRing;
    const [signing] = keys;
    if (this.known?.slot === slot && this.known.keys === keys) return this.known;
    if (!signing) throw new Error('the first refresh key signs, so a key is derived from it');
    this.known = { slot, keys, newest: proofNonce(signing, slot), good: currentNonces(keys, slot) };
    return this.known;
  }
}

function failed(reason: ProofFailure, detail?: string): ProofCheck {
  return detail === undefined ? { outcome: 'failed', reason } : { outcome: 'failed', reason, detail };
}

/** For the log. The URL is shortened, because any client can choose it. */
function urlOf({ htu }: Proof): string {
  return `the proof is for ${(htu.origin + htu.path).slice(0, 100)}, which is not the URL of this service: set the issuer to its public URL`;
}
