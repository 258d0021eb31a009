/** A user as the server's answers show him. */
export interface AuthUser {
  readonly id: string;
  readonly email: string;
  readonly name?: string;
  readonly roles: readonly string[];
}

/** What `me()` adds to it. Times are ISO 8601. */
export interface AuthProfile extends AuthUser {
  readonly createdAt: string;
}

/** The session of this browser: one login on one device. */
export interface AuthSession {
  readonly id: string;
  /** 0 at login, one more for each rotation of the refresh token. */
  readonly generation: number;
  /** ISO 8601: when the session ends unless it is used before. */
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
 * `unknown` until `restore()`, `login()` or another tab has told. A state is never changed, only replaced: it may be
 * compared by reference.
 */
export type AuthState =
  | {
      readonly status: 'signed-in';
      readonly user: AuthUser;
      readonly session: AuthSession;
      /** When the access token ends: ms since 1970 by this device's clock. To show, not to decide by. */
      readonly tokenExpiresAt: number;
    }
  | ({ readonly status: 'unknown' } & NobodySignedIn)
  | ({ readonly status: 'signed-out' } & NobodySignedIn);

/** What a state shows that has no user. */
export interface NobodySignedIn {
  readonly user: null;
  readonly session: null;
  readonly tokenExpiresAt: null;
}

/**
 * Why the user is signed out: `LOGOUT` if it was asked for, here or in another tab; else the code of the server's
 * refusal, such as `SESSION_REVOKED`.
 */
export type SignOutReason =
  | 'LOGOUT'
  | 'REFRESH_TOKEN_MISSING'
  | 'REFRESH_TOKEN_INVALID'
  | 'REFRESH_TOKEN_EXPIRED'
  | 'REFRESH_TOKEN_UNKNOWN'
  | 'REFRESH_TOKEN_REUSED'
  | 'SESSION_REVOKED'
  | 'SUSPICIOUS_ACTIVITY'
  | (string & {});

/** Tells the user's sessions apart in their list. At most 128 characters each. */
export interface DeviceFields {
  readonly appId?: string;
  readonly deviceId?: string;
  readonly deviceName?: string;
}

export interface LoginInput extends DeviceFields {
  readonly email: string;
  readonly password: string;
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
 * Where a native or Node client keeps its refresh token: a keychain, never `localStorage`. A token is saved before the
 * access token that came with it is used, so that a crash loses neither.
 */
export interface TokenStorage {
  load(): Promise<string | null>;
  save(refreshToken: string): Promise<void>;
  clear(): Promise<void>;
}

export interface AccessTokenRequest {
  /** Ends the wait of this caller; a refresh that others wait for goes on. */
  readonly signal?: AbortSignal | null;
  /** A token that an API has refused: another one is wanted. */
  readonly refused?: string;
}

interface CommonOptions {
  /**
   * URL of the server's auth routes, such as `https://api.example.com/auth`. A relative one (`/auth`) counts from the
   * page.
   */
  readonly baseUrl: string;
  /**
   * Called once for each end of a session, in every tab: go to the login page. Not called where `restore()` finds that
   * nobody was signed in.
   *
   * @default nothing is called
   */
  readonly onSignedOut?: (reason: SignOutReason) => void;
  /**
   * Seconds before its end at which an access token is replaced. At most a third of the token's life is used.
   *
   * @default 60
   */
  readonly refreshAhead?: number;
  /**
   * Seconds, the server's `refreshToken.gracePeriod`: an attempt to refresh is given up after half of it, so that its
   * repetition is seen as one. Longer than the server's risks that a slow network looks like theft.
   *
   * @default 10
   */
  readonly gracePeriod?: number;
  /**
   * Further origins (`https://orders.example.com`) whose requests get the access token. The page's own and that of
   * `baseUrl` always do; no other origin ever sees it.
   *
   * @default []
   */
  readonly trustedOrigins?: readonly string[];
  /**
   * Sends every request; for a server that relays cookies, and for tests.
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
         * How the refresh token travels: in an HttpOnly cookie, or in bodies, for native and Node clients.
         *
         * @default 'cookie'
         */
        readonly transport?: 'cookie';
        readonly storage?: undefined;
      }
    | {
        readonly transport: 'body';
        /** Keeps the refresh token; needed with `transport: 'body'`. */
        readonly storage: TokenStorage;
      }
  );

/** What {@link createAuthClient} gives. Its methods need no `this`. Those that ask the server reject with an `AuthClientError`. */
export interface AuthClient {
  /** @throws AuthClientError `INVALID_CREDENTIALS`, `ACCOUNT_DISABLED`, `EMAIL_NOT_VERIFIED`, `TOO_MANY_ATTEMPTS`, … */
  readonly login: (input: LoginInput) => Promise<AuthUser>;
  /**
   * Gives `null` where the address has to be verified first: nobody is signed in then.
   *
   * @throws AuthClientError `EMAIL_TAKEN`, `WEAK_PASSWORD`, `VALIDATION_FAILED`, …
   */
  readonly register: (input: RegisterInput) => Promise<AuthUser | null>;
  /**
   * Signs out every tab at once, offline too, and tells the server. Rejects if the server could not be told: the
   * refresh token is then still alive, and the next `logout()` or `restore()` ends it before anything else.
   */
  readonly logout: () => Promise<void>;
  /** Ends all sessions of the user. If that fails he stays signed in. */
  readonly logoutAll: () => Promise<void>;
  /**
   * Ends all other sessions and goes on with a new one.
   *
   * @throws AuthClientError `INVALID_CREDENTIALS` (the current password is wrong), `WEAK_PASSWORD`, …
   */
  readonly changePassword: (input: ChangePasswordInput) => Promise<AuthUser>;
  readonly me: () => Promise<AuthProfile>;
  /** The user's live sessions, newest use first. */
  readonly sessions: () => Promise<readonly AuthSessionInfo[]>;
  /** Ends one session; this client's own signs out. @throws AuthClientError `NOT_FOUND` */
  readonly endSession: (id: string) => Promise<void>;
  readonly endOtherSessions: () => Promise<void>;
  /**
   * At the start of the application: asks the server who is signed in. Gives `signed-out` where nobody is.
   *
   * @throws AuthClientError if the server could not be asked: the state stays `unknown`, and is asked for again while
   * the page is visible
   */
  readonly restore: () => Promise<AuthState>;
  /**
   * `fetch` with the access token, refreshed when needed; a request refused because of its token is sent once more
   * with a new one, unless its body was a stream. Requests to foreign origins, and those that have an `Authorization`
   * of their own, pass unchanged. Nobody signed in: it is sent without a token.
   *
   * @throws AuthClientError if a token was needed and could not be had; the user stays signed in. `SUPERSEDED` if
   * another user has signed in meanwhile
   */
  readonly fetch: (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;
  /**
   * A valid access token, refreshed when needed; `null` where nobody is signed in. For WebSockets and HTTP libraries
   * without a binding.
   *
   * @throws AuthClientError as `fetch`
   */
  readonly getAccessToken: (request?: AccessTokenRequest) => Promise<string | null>;
  /** Whether requests to the URL get the access token. */
  readonly isTrusted: (url: string) => boolean;
  readonly getState: () => AuthState;
  /** Calls the listener with every new state. Gives the function that ends it. */
  readonly subscribe: (listener: (state: AuthState) => void) => () => void;
  /** Ends timers, listeners and the talk with other tabs; nobody is signed out, and a refresh on its way is not given up. */
  readonly close: () => void;
}
