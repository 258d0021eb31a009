import {
  createRingKey,
  type KeyInput,
  KeyProblem,
  type SigningAlgorithm,
} from '../../options/keys/key-spec.js';

/** A key as the ring sees it. */
export interface KeyDescription {
  /** As given, or derived from the key. Tokens contain it, and it is unique within a ring. */
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** False if only the public half is known. */
  readonly canSign: boolean;
}

/** Describes a key as the ring sees it; if the ring refuses the key, the reason and the fix. */
export function describeKey(input: KeyInput): KeyDescription | { readonly problem: string } {
  try {
    const { kid, alg, signingKey } = createRingKey(input);
    return { kid, alg, canSign: signingKey !== null };
  } catch (error) {
    if (error instanceof KeyProblem) return { problem: `${error.message}; ${error.fix}` };
    throw error;
  }
}
