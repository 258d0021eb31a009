import axios from 'axios';
import { attachToAxios } from '../src/axios.js';
import { type AuthState, createAuthClient, type TokenStorage } from '../src/index.js';

/** Compiled by `npm run typecheck`, never run: what an application may write, and what is a type error. */
export function uses(storage: TokenStorage, state: AuthState): void {
  const auth = createAuthClient({ baseUrl: '/auth', onSignedOut: (reason) => void reason.toLowerCase() });
  createAuthClient({ baseUrl: '/auth', transport: 'body', storage });
  attachToAxios(axios, auth);
  attachToAxios(axios.create(), auth)();
  const { fetch } = auth;
  void (fetch satisfies typeof globalThis.fetch);
  if (state.status === 'signed-in') void state.user.email.length;
  // @ts-expect-error nobody may be signed in
  void state.user.email;
  // @ts-expect-error body transport needs a storage
  createAuthClient({ baseUrl: '/auth', transport: 'body' });
  // @ts-expect-error cookie transport accepts no storage
  createAuthClient({ baseUrl: '/auth', storage });
  // @ts-expect-error baseUrl is required
  createAuthClient({});
}
