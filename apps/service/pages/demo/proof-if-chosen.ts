import type { Prover } from 'nestjs-silent-auth-client';
import { proofOfPossession } from 'nestjs-silent-auth-client/proof';

/** The requests that begin a session. */
const BEGINS = /\/(login|register)$/;

/**
 * Binds the sessions that begin while `isChosen` to a key, for a page that shows both kinds. An application has no such choice:
 * it gives `proof: proofOfPossession()` to its client.
 */
export function proofIfChosen(isChosen: () => boolean): Prover {
  const prove = proofOfPossession();
  return (send) => {
    const sendProven = prove(send);
    return (input, init) =>
      BEGINS.test(input as string) && !isChosen() ? send(input, init) : sendProven(input, init);
  };
}
