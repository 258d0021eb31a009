import {
  inject,
  type InjectionKey,
  onScopeDispose,
  type Plugin,
  shallowReadonly,
  shallowRef,
  type ShallowRef,
} from 'vue';
import type { AuthClient, AuthState } from './index.js';

const AUTH: InjectionKey<AuthClient> = Symbol('nestjs-silent-auth');

/** `app.use(authPlugin(auth))` gives the client to every `useAuth()` of the application. */
export function authPlugin(auth: AuthClient): Plugin {
  return { install: (app) => void app.provide(AUTH, auth) };
}

/**
 * The state as a ref, and the client as `auth`. Ends with the component or effect scope that it is used in.
 *
 * @param client the plugin's, unless given
 */
export function useAuth(client?: AuthClient): {
  readonly state: Readonly<ShallowRef<AuthState>>;
  readonly auth: AuthClient;
} {
  const auth = client ?? inject(AUTH, null);
  if (!auth) throw new Error('useAuth needs app.use(authPlugin(auth)), or a client.');
  const state = shallowRef(auth.getState());
  onScopeDispose(auth.subscribe((next) => (state.value = next)));
  return { state: shallowReadonly(state), auth };
}
