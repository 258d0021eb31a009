import type { ActionToken } from '../core/action-token.js';

/** Injection token of the {@link ActionTokenStore} in use. */
export const ACTION_TOKEN_STORE = Symbol('ACTION_TOKEN_STORE');

/** Keeps the hashes of single-use tokens. */
export interface ActionTokenStore {
  add(token: ActionToken): Promise<void>;
  find(hash: string): Promise<ActionToken | null>;
  /** If several calls race, only one gets true. */
  remove(hash: string): Promise<boolean>;
  removeOfUser(userId: string): Promise<void>;
}
