import { createClientIn } from './auth-client.js';
import { hostEnvironment } from './environment.js';
import type { AuthClient, AuthClientOptions } from './types.js';

/**
 * Creates the client of one browser tab, native application or server-side request. It sends nothing until it is used:
 * call `restore()` when the application starts.
 *
 * @example
 * export const auth = createAuthClient({ baseUrl: '/auth', onSignedOut: () => location.assign('/login') });
 * await auth.restore();
 */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  return createClientIn(hostEnvironment(), options);
}

export { AuthClientError } from './errors.js';
export type { AuthClientErrorInit, FieldProblem } from './errors.js';
export type {
  AccessTokenRequest,
  AuthClient,
  AuthClientOptions,
  AuthProfile,
  AuthSession,
  AuthSessionInfo,
  AuthState,
  AuthTicket,
  AuthUser,
  ChangePasswordInput,
  DeviceFields,
  LoginInput,
  NobodySignedIn,
  Prover,
  ReauthenticateInput,
  RegisterInput,
  ResetPasswordInput,
  RestoreOptions,
  SignOutReason,
  TokenStorage,
} from './types.js';
