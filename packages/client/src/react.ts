'use client';

import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import type { AuthClient, AuthState } from './index.js';

interface Provided {
  readonly auth: AuthClient;
  /** On a server and during hydration, where both sides must render the same. */
  readonly initialState: AuthState;
}

const AuthContext = createContext<Provided | null>(null);

const UNKNOWN: AuthState = { status: 'unknown', user: null, session: null, tokenExpiresAt: null };

export interface AuthProviderProps {
  readonly auth: AuthClient;
  /**
   * The state with which the server rendered this page, such as `state` of `nestjs-silent-auth-client/ssr`. The
   * first frame shows it, and the client takes it over. A later value changes nothing.
   *
   * @default `unknown`, and nothing is taken over
   */
  readonly initialState?: AuthState;
  readonly children?: ReactNode;
}

/** Provides the client to every `useAuth()` below it. */
export function AuthProvider({ auth, initialState, children }: AuthProviderProps): ReactElement {
  const [first] = useState(initialState);
  const value = useMemo(() => ({ auth, initialState: first ?? UNKNOWN }), [auth, first]);
  useEffect(() => {
    // The server decided by the hint cookie alone, so the page does the same.
    if (first) auth.restore({ initialState: first, force: false }).catch(() => undefined);
  }, [auth, first]);
  return createElement(AuthContext.Provider, { value }, children);
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
  const auth = client ?? provided?.auth;
  if (!auth) throw new Error('useAuth needs an <AuthProvider auth={…}> above it, or a client.');
  const initialState = provided?.auth === auth ? provided.initialState : UNKNOWN;
  const current = () => {
    const state = auth.getState();
    // Until the client has taken it over.
    return state.status === 'unknown' ? initialState : state;
  };
  const state = useSyncExternalStore(auth.subscribe, current, () => initialState);
  return { ...state, auth };
}
