'use client';

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

/** The state on a server and during hydration, where both sides must render the same. */
const UNKNOWN: AuthState = { status: 'unknown', user: null, session: null, tokenExpiresAt: null };

export interface AuthProviderProps {
  readonly auth: AuthClient;
  readonly children?: ReactNode;
}

/** Provides the client to every `useAuth()` below it. */
export function AuthProvider({ auth, children }: AuthProviderProps): ReactElement {
  return createElement(AuthContext.Provider, { value: auth }, children);
}

/**
 * The current state, and the client as `auth`. Renders again with every new state.
 *
 * @param client instead of the provider's
 * @throws Error without a provider and a client
 *
 * @example
 * const { status, user, auth } = useAuth();
 */
export function useAuth(client?: AuthClient): AuthState & { readonly auth: AuthClient } {
  const provided = useContext(AuthContext);
  const auth = client ?? provided;
  if (!auth) throw new Error('useAuth needs an <AuthProvider auth={…}> above it, or a client.');
  const state = useSyncExternalStore(auth.subscribe, auth.getState, () => UNKNOWN);
  return { ...state, auth };
}
