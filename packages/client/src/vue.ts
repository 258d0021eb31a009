import {
  getCurrentInstance,
  hasInjectionContext,
  inject,
  type InjectionKey,
  onMounted,
  onScopeDispose,
  type Plugin,
  shallowReadonly,
  type ShallowRef,
  shallowRef,
  ssrContextKey,
  toRaw,
} from 'vue';
import type { AuthClient, AuthState } from './index.js';

interface Provided {
  readonly auth: AuthClient;
  /** On a server and during hydration, where both sides must render the same. */
  readonly initialState: AuthState;
}

const UNKNOWN: AuthState = { status: 'unknown', user: null, session: null, tokenExpiresAt: null };

const AUTH: InjectionKey<Provided> = Symbol('nestjs-silent-auth');

/**
 * `app.use(authPlugin(auth))` provides the client to every `useAuth()` of the application.
 *
 * @param initialState the state with which the server rendered this page, such as `state` of
 * `nestjs-silent-auth-client/ssr`. The first frame shows it, and in the browser the client takes it over
 */
export function authPlugin(auth: AuthClient, initialState?: AuthState): Plugin {
  return {
    install(app) {
      app.provide(AUTH, { auth, initialState: initialState ?? UNKNOWN });
      // Not on a server, where all requests may share the client. The server decided by the hint cookie alone, so
      // the page does the same.
      if (initialState && typeof document !== 'undefined')
        auth.restore({ initialState: toRaw(initialState), force: false }).catch(() => undefined);
    },
  };
}

/**
 * The current state as a ref, and the client as `auth`. Stops with the component or effect scope that calls it.
 *
 * @param client instead of the plugin's
 * @throws Error without a plugin and a client
 *
 * @example
 * const { state, auth } = useAuth();
 */
export function useAuth(client?: AuthClient): {
  readonly state: Readonly<ShallowRef<AuthState>>;
  readonly auth: AuthClient;
} {
  const provided = hasInjectionContext() ? inject(AUTH, null) : null;
  const auth = client ?? provided?.auth;
  if (!auth) throw new Error('useAuth needs app.use(authPlugin(auth)), or a client.');
  const instance = getCurrentInstance();
  const isOnServer = instance && inject(ssrContextKey, null);
  // When a component hydrates server-rendered HTML, its vnode has an element before its set-up.
  const isHydrating = instance?.vnode.el;
  const initialState = provided?.auth === auth ? provided.initialState : UNKNOWN;
  // Until the client has taken it over.
  const shown = (next: AuthState) => (next.status === 'unknown' ? initialState : next);
  const state = shallowRef(isOnServer || isHydrating ? initialState : shown(auth.getState()));
  let stop = () => {};
  const follow = () => (stop = auth.subscribe((next) => (state.value = shown(next))));
  if (isHydrating) onMounted(follow);
  else if (!isOnServer) follow();
  onScopeDispose(() => stop());
  return { state: shallowReadonly(state), auth };
}
