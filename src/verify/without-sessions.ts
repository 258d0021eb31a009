import type { Provider } from '@nestjs/common';
import type { AccessTokenClaims } from '../core/access-token.js';
import { AuthError } from '../core/errors.js';
import type { RevocationStore } from '../core/ports.js';
import { AccessTokenBinding } from '../http/access-token-binding.js';
import { schemeOf } from '../http/access-token-header.js';
import type { HttpRequest } from '../http/http-request.js';
import { PresentedRefreshTokens } from '../http/presented-refresh-tokens.js';
import { RefreshCookie } from '../http/refresh-cookie.js';
import { Tickets } from '../http/tickets.js';
import { GenerationConfirmer } from '../tokens/generation-confirmer.js';

/** Refuses access tokens that are bound to a key: only the service that signs can check proofs and their nonces. */
class BearerTokens implements Pick<AccessTokenBinding, 'check'> {
  check(request: HttpRequest, { cnf }: AccessTokenClaims): void {
    if (cnf)
      throw new AuthError('PROOF_REQUIRED', {
        detail:
          "the access token is bound to a key, and VerifyOnlyAuthModule checks no proofs: set accessToken.senderConstraint to 'off' in the service that signs",
      });
    if (schemeOf(request) === 'DPoP') throw new AuthError('ACCESS_TOKEN_INVALID');
  }
}

/** Only the service that signs issues and redeems tickets. */
class NoTickets implements Pick<Tickets, 'redeem'> {
  redeem(): Promise<never> {
    return Promise.reject(new AuthError('TICKET_INVALID'));
  }
}

/** Sessions are stored in the other service, so there is nothing to confirm here. */
class NoConfirmations implements Pick<GenerationConfirmer, 'see'> {
  see(): void {}
}

class NoRefreshTokens implements Pick<PresentedRefreshTokens, 'isCookieOfOneSession'> {
  isCookieOfOneSession(): boolean {
    return false;
  }
}

class NoRefreshCookie implements Pick<RefreshCookie, 'clear'> {
  clear(): void {
    // The cookie belongs to the other service.
  }
}

/** Replacements for providers that need sessions and their database. */
export const WITHOUT_SESSIONS: Provider[] = [
  { provide: AccessTokenBinding, useClass: BearerTokens },
  { provide: Tickets, useClass: NoTickets },
  { provide: GenerationConfirmer, useClass: NoConfirmations },
  { provide: PresentedRefreshTokens, useClass: NoRefreshTokens },
  { provide: RefreshCookie, useClass: NoRefreshCookie },
];

/** Placeholder if the host gives no store: the mode is then `off`, and the store is never read. */
export const NO_REVOCATION_STORE: RevocationStore = {
  add: () => Promise.resolve(),
  read: () => Promise.resolve({ entries: [], mark: { at: new Date(0) } }),
  hasAny: () => Promise.resolve(false),
};
