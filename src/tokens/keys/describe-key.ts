import {
  createRingKey,
  type KeyInput,
  KeyProblem,
  type SigningAlgorithm,
} from '../../options/keys/key-spec.js';

/** A key as the ring sees it. */
export interface KeyDescription {
  /** As given, or derived from the key: tokens name it, and no two keys of a ring share it. */
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** False where only the public half is known. */
  readonly canSign: boolean;
}

/** How the key ring sees a key; if the ring refuses it, the reason and the fix. */
export function describeKey(input: KeyInput): KeyDescription | { readonly problem: string } {
  try {
    const { kid, alg, signingKey } = createRingKey(input);
    return { kid, alg, canSign: signingKey !== null };
  } catch (error) {
    if (error instanceof KeyProblem) return { problem: `${error.message}; ${error.mend}` };
    throw error;
  }
}
