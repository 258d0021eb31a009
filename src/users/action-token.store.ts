import type { ActionToken } from '../core/action-token.js';

/** Injection token of the {@link ActionTokenStore} in use. */
export const ACTION_TOKEN_STORE = Symbol('ACTION_TOKEN_STORE');

/** Where tokens that went out by mail are kept, by their hash. */
export interface ActionTokenStore {
  add(token: ActionToken): Promise<void>;
  find(hash: string): Promise<ActionToken | null>;
  /** Of several at once one gets true. */
  remove(hash: string): Promise<boolean>;
  removeOfUser(userId: string): Promise<void>;
}
