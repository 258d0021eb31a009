import type { FinalRefusal } from './refusals.js';

/** A user, as the server's answers show them. */
export interface AuthUser {
  readonly id: string;
  readonly email: string;
  readonly name?: string;
  readonly roles: readonly string[];
  /** The service's own claims, such as a tenant; absent if there are none. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What `me()` resolves with. */
export interface AuthProfile extends AuthUser {
  /** ISO 8601. */
  readonly createdAt: string;
  /** The administrator who acts for the user with this token; absent for the user themselves. */
  readonly actor?: { readonly id: string };
}

/** The session of this browser: one login on one device. */
export interface AuthSession {
  readonly id: string;
  /** Counts the rotations of the refresh token, from 0 at login. */
  readonly generation: number;
  /** ISO 8601: when the session ends unless it is used earlier. */
  readonly expiresAt: string;
}

/** One of the user's live sessions, as `sessions()` lists them. Times are ISO 8601. */
export interface AuthSessionInfo {
  readonly id: string;
  /** Whether it is the session of this client. */
  readonly current: boolean;
  readonly deviceName?: string;
  readonly appId?: string;
  readonly userAgent: string | null;
  readonly ip: string;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly expiresAt: string;
}

/**
 * Who is signed in. `unknown` until `restore()`, `login()` or another tab finds out. States are immutable: compare them
 * by reference.
 *
 * @example
 * const state = auth.getState();
 * if (state.status === 'signed-in') greet(state.user.email);
 */
export type AuthState =
  | {
      readonly status: 'signed-in';
      readonly user: AuthUser;
      readonly session: AuthSession;
      /** When the access token expires: ms since 1970 by this device's clock. For display, not for decisions. */
      readonly tokenExpiresAt: number;
    }
  | ({ readonly status: 'unknown' } & NobodySignedIn)
  | ({ readonly status: 'signed-out' } & NobodySignedIn);

/** The fields of a state without a user. */
export interface NobodySignedIn {
  readonly user: null;
  readonly session: null;
  readonly tokenExpiresAt: null;
}

/**
 * Why the user is signed out: `LOGOUT` after a logout, here or in another tab, otherwise the code of the server's
 * refusal, such as `SESSION_REVOKED`.
 */
export type SignOutReason = 'LOGOUT' | FinalRefusal | (string & {});

/** Shown in the user's list of sessions. At most 128 characters each. */
export interface DeviceFields {
  readonly appId?: string;
  readonly deviceId?: string;
  readonly deviceName?: string;
}

export interface LoginInput extends DeviceFields {
  readonly email: string;
  readonly password: string;
  /**
   * With false the session ends with the browser, and after a shorter idle time.
   *
   * @default true
   */
  readonly rememberMe?: boolean;
}

export interface RegisterInput extends LoginInput {
  /** At most 100 characters. */
  readonly name?: string;
}

export interface ChangePasswordInput {
  readonly currentPassword: string;
  readonly newPassword: string;
}

/**
 * Keeps the refresh token of a native or Node client: a keychain, never `localStorage`. The saved text is opaque: a
 * token, or JSON that contains one. A new token is saved before the access token that came with it is used, so that
 * a crash loses neither. If a method rejects, the client's method rejects with `STORAGE_FAILED`.
 *
 * @example
 * const storage: TokenStorage = {
 * load: () => keychain.get('refresh-token'),
 * save: (refreshToken) => keychain.set('refresh-token', refreshToken),
 * clear: () => keychain.delete('refresh-token'),
 * };
 */
export interface TokenStorage {
  /** Resolves with the text saved last, or `null`. */
  load(): Promise<string | null>;
  save(text: string): Promise<void>;
  clear(): Promise<void>;
}

export interface AccessTokenRequest {
  /** Aborts the wait of this caller. A refresh on its way continues for the others. */
  readonly signal?: AbortSignal | null | undefined;
  /**
   * A token that an API refused: the promise resolves with another one. Within the grace period it resolves with
   * the same token, since an API that refuses a new token refuses its replacement, too.
   */
  readonly refused?: string;
  /** The code of the refusal, if it is known. After `ACCESS_TOKEN_REVOKED` even a new token is replaced. */
  readonly code?: string | undefined;
}

/** A single-use ticket for the handshake of a socket. */
export interface AuthTicket {
  readonly ticket: string;
  /** Seconds. */
  readonly expiresIn: number;
}

export interface ReauthenticateInput {
  readonly password: string;
}

export interface ResetPasswordInput {
  /** The token of the link. */
  readonly token: string;
  readonly newPassword: string;
}

export interface RestoreOptions {
  /**
   * Whether to ask the server even if no cookie hints at a session.
   *
   * @default true until the server has answered once that nobody is signed in in this browser, then false
   */
  readonly force?: boolean;
  /**
   * The state with which a server rendered this page, such as `state` of `nestjs-silent-auth-client/ssr`. If a user is signed in,
   * the client takes it over, and asks the server when an access token is first needed. `AuthProvider` of React and
   * `authPlugin` of Vue call `restore` with it by themselves.
   *
   * @default the page was not rendered for a user
   */
  readonly initialState?: AuthState | undefined;
}

/**
 * Adds proofs of possession (RFC 9449) to the requests that the client sends to its auth routes. `proofOfPossession()` of the
 * entry `nestjs-silent-auth-client/proof` is one.
 */
export type Prover = (send: typeof fetch) => typeof fetch;

interface CommonOptions {
  /** URL of the server's auth routes, such as `https://api.example.com/auth`. `/auth` is relative to the page. */
  readonly baseUrl: string;
  /**
   * Called once in every tab when a session ends. Not called if `restore()` finds nobody signed in.
   *
   * @default nothing is called
   *
   * @example
   * onSignedOut: (reason) => location.assign(`/login?reason=${encodeURIComponent(reason)}`)
   */
  readonly onSignedOut?: (reason: SignOutReason) => void;
  /**
   * Seconds before it expires at which an access token is replaced. At most a third of the token's lifetime is used.
   *
   * @default 60
   */
  readonly refreshAhead?: number;
  /**
   * Seconds, the same as the server's `refreshToken.gracePeriod`. An attempt to refresh times out after half of it,
   * so that the server recognises the retry. With a longer value than the server's, a slow network can look like
   * theft.
   *
   * @default 10
   */
  readonly gracePeriod?: number;
  /**
   * Further origins, such as `https://orders.example.com`, whose requests get the access token. The page's own origin
   * and that of `baseUrl` are always trusted. No other origin gets the token.
   *
   * @default []
   */
  readonly trustedOrigins?: readonly string[];
  /**
   * Binds sessions to a key that cannot leave the device, so a copied cookie is useless.
   *
   * @default sessions are not bound
   *
   * @example
   * proof: proofOfPossession()
   */
  readonly proof?: Prover;
  /**
   * Sends every request: for a server that relays cookies, and for tests.
   *
   * @default globalThis.fetch
   */
  readonly fetch?: typeof fetch;
}

/** Options of {@link createAuthClient}. */
export type AuthClientOptions = CommonOptions &
  (
    | {
        /**
         * How the refresh token travels: in an HttpOnly cookie, or in request and response bodies for native and Node
         * clients.
         *
         * @default 'cookie'
         */
        readonly transport?: 'cookie';
        readonly storage?: undefined;
      }
    | {
        readonly transport: 'body';
        /** Keeps the refresh token. Required with `transport: 'body'`. */
        readonly storage: TokenStorage;
      }
  );

/**
 * The client that {@link createAuthClient} returns. Its methods need no `this`. Those that send a request reject with
 * an `AuthClientError`.
 */
export interface AuthClient {
  /**
   * Signs in, in all tabs.
   *
   * @throws AuthClientError `INVALID_CREDENTIALS`, `ACCOUNT_DISABLED`, `EMAIL_NOT_VERIFIED`, `TOO_MANY_ATTEMPTS`, …
   */
  readonly login: (input: LoginInput) => Promise<AuthUser>;
  /**
   * Registers a user and signs them in. Resolves with `null` if they must verify their address before they sign in.
   *
   * @throws AuthClientError `EMAIL_TAKEN`, `WEAK_PASSWORD`, `VALIDATION_FAILED`, …
   */
  readonly register: (input: RegisterInput) => Promise<AuthUser | null>;
  /**
   * Signs out all tabs at once, also without a network, and then notifies the server.
   *
   * @throws AuthClientError if the server does not confirm. The refresh token is then still valid, and the next
   * `logout()` or `restore()` revokes it first
   */
  readonly logout: () => Promise<void>;
  /** Ends all sessions of the user. @throws AuthClientError; the user stays signed in */
  readonly logoutAll: () => Promise<void>;
  /**
   * Changes the password, ends all other sessions and continues with a new one.
   *
   * @throws AuthClientError `INVALID_CREDENTIALS` (the current password is wrong), `WEAK_PASSWORD`, …
   */
  readonly changePassword: (input: ChangePasswordInput) => Promise<AuthUser>;
  /**
   * Confirms the user's password, for actions that need a recent login.
   *
   * @throws AuthClientError `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`, …
   */
  readonly reauthenticate: (input: ReauthenticateInput) => Promise<AuthUser>;
  /** Asks for a message with a link to set a new password. Resolves whether or not there is such an account. */
  readonly forgotPassword: (email: string) => Promise<void>;
  /** Sets a new password with the token of a link. @throws AuthClientError `ACTION_TOKEN_INVALID`, `WEAK_PASSWORD`, … */
  readonly resetPassword: (input: ResetPasswordInput) => Promise<void>;
  /** Verifies an address with the token of a link. @throws AuthClientError `ACTION_TOKEN_INVALID` */
  readonly verifyEmail: (token: string) => Promise<void>;
  /** Asks for a single-use ticket, for a socket that cannot send headers. */
  readonly ticket: () => Promise<AuthTicket>;
  /** Asks the server for the user who is signed in. */
  readonly me: () => Promise<AuthProfile>;
  /** The user's live sessions, the most recently used first. */
  readonly sessions: () => Promise<readonly AuthSessionInfo[]>;
  /** Ends one of the user's sessions. The client's own signs out. @throws AuthClientError `NOT_FOUND` */
  readonly endSession: (id: string) => Promise<void>;
  /** Ends all other sessions of the user. */
  readonly endOtherSessions: () => Promise<void>;
  /**
   * Asks the server who is signed in. Call it when the application starts. Resolves with `signed-out` if nobody is.
   * If no cookie hints at a session, the server is not asked again.
   *
   * @throws AuthClientError if the server does not answer. The state stays `unknown`, and the client retries while
   * the page is visible
   *
   * @example
   * await auth.restore().catch(() => undefined);
   */
  readonly restore: (options?: RestoreOptions) => Promise<AuthState>;
  /**
   * `fetch` with the access token, refreshed when needed. A request refused because of its token is sent once more with
   * a new one, unless its body is a stream. Requests to other origins and those with an `Authorization` header pass
   * unchanged. If nobody is signed in, the request is sent without a token.
   *
   * @throws AuthClientError if a token is needed and cannot be fetched; the user stays signed in. `SUPERSEDED` if
   * another user has signed in meanwhile
   *
   * @example
   * const response = await auth.fetch('/api/orders', { method: 'POST', body: JSON.stringify(order) });
   */
  readonly fetch: typeof globalThis.fetch;
  /**
   * A valid access token, refreshed when needed; `null` if nobody is signed in. For WebSockets and HTTP libraries
   * without a binding.
   *
   * @throws AuthClientError as `fetch` does, or the reason of the aborted `signal`
   *
   * @example
   * socket.send(JSON.stringify({ token: await auth.getAccessToken() }));
   */
  readonly getAccessToken: (request?: AccessTokenRequest) => Promise<string | null>;
  /** Whether requests to the URL get the access token. */
  readonly isTrusted: (url: string) => boolean;
  readonly getState: () => AuthState;
  /** Calls the listener with the current state, then with every new one. Returns the function that unsubscribes. */
  readonly subscribe: (listener: (state: AuthState) => void) => () => void;
  /**
   * Stops timers, listeners and messages between tabs. Signs nobody out; a refresh on its way continues. The next use of
   * the client starts them again.
   */
  readonly close: () => void;
}
