import type { CustomClaims } from '../core/custom-claims.js';
import type { UserRecord } from '../core/ports.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import type { ClientTraits } from './client-traits.js';

/** What a client sends with a refresh token, as it sent it. */
export interface RefreshFields {
  /** Random, drawn and stored before it was sent: 16 bytes, base64url. */
  readonly attempt?: string | null | undefined;
  /** The attempt before it, which made the generation that the client knows. */
  readonly previous?: string | null | undefined;
  /** A server that refreshes on behalf of a browser: the use of its access token proves nothing about the browser. */
  readonly relay?: boolean | null | undefined;
}

/** A refresh under way. */
export interface RefreshRequest {
  readonly token: RefreshTokenClaims;
  readonly client: ClientTraits;
  /** Null where the user no longer exists. */
  readonly owner: UserRecord | null;
  /** Hashes; null where the client sent none. */
  readonly attempt: string | null;
  readonly previous: string | null;
  readonly isRelay: boolean;
  /** Names the proof of possession of a bound session; null where the session is not bound. */
  readonly proof: string | null;
  /** The host's own claims for the next access token. */
  readonly custom?: CustomClaims | undefined;
}
