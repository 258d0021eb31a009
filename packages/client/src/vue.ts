import {
  getCurrentInstance,
  inject,
  type InjectionKey,
  onMounted,
  onScopeDispose,
  type Plugin,
  shallowReadonly,
  type ShallowRef,
  shallowRef,
  ssrContextKey,
} from 'vue';
import type { AuthClient, AuthState } from './index.js';

/** The state on a server and during hydration, where both sides must render the same. */
const UNKNOWN: AuthState = { status: 'unknown', user: null, session: null, tokenExpiresAt: null };

const AUTH: InjectionKey<AuthClient> = Symbol('nestjs-silent-auth');

/** `app.use(authPlugin(auth))` provides the client to every `useAuth()` of the application. */
export function authPlugin(auth: AuthClient): Plugin {
  return { install: (app) => void app.provide(AUTH, auth) };
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
  const auth = client ?? inject(AUTH, null);
  if (!auth) throw new Error('useAuth needs app.use(authPlugin(auth)), or a client.');
  const instance = getCurrentInstance();
  const isOnServer = instance && inject(ssrContextKey, null);
  // Where a component takes over what the server rendered, its node has an element before its set-up.
  const isHydrating = instance?.vnode.el;
  const state = shallowRef(isOnServer || isHydrating ? UNKNOWN : auth.getState());
  let stop = () => {};
  const follow = () => (stop = auth.subscribe((next) => (state.value = next)));
  if (isHydrating) onMounted(follow);
  else if (!isOnServer) follow();
  onScopeDispose(() => stop());
  return { state: shallowReadonly(state), auth };
}
