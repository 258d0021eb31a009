import { createClientIn } from './auth-client.js';
import { hostEnvironment } from './environment.js';
import type { AuthClient, AuthClientOptions } from './types.js';

/**
 * Makes the client of one browser tab, native application or server-side request. Touches neither network nor page
 * until it is used; call `restore()` at the start of an application.
 */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  return createClientIn(hostEnvironment(), options);
}

export { attachToAxios } from './axios.js';
export type { AxiosLike } from './axios.js';
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
  AuthUser,
  ChangePasswordInput,
  DeviceFields,
  LoginInput,
  NobodySignedIn,
  RegisterInput,
  SignOutReason,
  TokenStorage,
} from './types.js';
