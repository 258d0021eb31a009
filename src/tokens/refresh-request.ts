import type { CustomClaims } from '../core/custom-claims.js';
import type { UserRecord } from '../core/ports.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import type { ClientTraits } from './client-traits.js';

/** The raw fields that a client sends with a refresh token. */
export interface RefreshFields {
  /** Random id of this attempt: 16 bytes, base64url. The client stores it before it sends the request. */
  readonly attempt?: string | null | undefined;
  /** The previous attempt, which made the generation that the client has. */
  readonly previous?: string | null | undefined;
  /** True if a server refreshes on behalf of a browser: use of its access token proves nothing about the browser. */
  readonly relay?: boolean | null | undefined;
}

/** A refresh in progress. */
export interface RefreshRequest {
  readonly token: RefreshTokenClaims;
  readonly client: ClientTraits;
  /** Null if the user no longer exists. */
  readonly owner: UserRecord | null;
  /** `attempt` and `previous` as hashes; null if the client sent none. */
  readonly attempt: string | null;
  readonly previous: string | null;
  readonly isRelay: boolean;
  /** Id of the proof of possession; null if the session is not bound. */
  readonly proof: string | null;
  /** The host's own claims for the next access token. */
  readonly custom?: CustomClaims | undefined;
}
