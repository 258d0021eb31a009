import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useSyncExternalStore,
} from 'react';
import type { AuthClient, AuthState } from './index.js';

const AuthContext = createContext<AuthClient | null>(null);

/** While a page rendered on a server is taken over, both sides show the same. */
const UNKNOWN: AuthState = { status: 'unknown', user: null, session: null, tokenExpiresAt: null };

export interface AuthProviderProps {
  readonly auth: AuthClient;
  readonly children?: ReactNode;
}

/** Gives the client to every `useAuth()` below it. */
export function AuthProvider({ auth, children }: AuthProviderProps): ReactElement {
  return createElement(AuthContext.Provider, { value: auth }, children);
}

/**
 * The state, and the client as `auth`; renders again with every new state.
 *
 * @param client the provider's, unless given
 */
export function useAuth(client?: AuthClient): AuthState & { readonly auth: AuthClient } {
  const provided = useContext(AuthContext);
  const auth = client ?? provided;
  if (!auth) throw new Error('useAuth needs an <AuthProvider auth={…}> above it, or a client.');
  const state = useSyncExternalStore(auth.subscribe, auth.getState, () => UNKNOWN);
  return { ...state, auth };
}
