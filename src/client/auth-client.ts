import { isTokenAnswer, type TokenAnswer } from './answers.js';
import { authorizedFetch } from './authorized-fetch.js';
import type { Environment } from './environment.js';
import { AuthClientError, refusesAccessToken } from './errors.js';
import { keepFresh } from './keep-fresh.js';
import { LogoutDebt } from './logout-debt.js';
import { Refresher } from './refresh.js';
import { Session } from './session.js';
import { Tabs } from './tabs.js';
import { Tokens } from './tokens.js';
import { Transport } from './transport.js';
import type {
  AuthClient,
  AuthClientOptions,
  AuthProfile,
  AuthSessionInfo,
  AuthUser,
  SignOutReason,
} from './types.js';

/** Hashing of passwords takes its time, and on a busy server its turn. */
const PASSWORD_WITHIN_MS = 30_000;

/** The client in the given surroundings; `createAuthClient` gives it those of its host. */
export function createClientIn(environment: Environment, options: AuthClientOptions): AuthClient {
  const { refreshAhead = 60, gracePeriod = 10, trustedOrigins = [], storage } = options;
  const { page } = environment;
  const attemptMs = gracePeriod * 500;
  const send: typeof fetch = (input, init) => (options.fetch ?? globalThis.fetch)(input, init);
  const baseUrl = () => new URL(options.baseUrl, page?.url).href.replace(/\/$/, '');
  const name = `nestjs-silent-auth:${options.baseUrl}`;

  const session = new Session(environment.stopwatch, options.onSignedOut);
  const transport = new Transport(baseUrl, send, environment);
  // In body transport there is no cookie jar that the tabs would share.
  const shared = storage ? { ...environment, page: null } : environment;
  const debt = new LogoutDebt(name, shared.page);
  const tabs = new Tabs(name, shared, (message) => {
    if ('signedOut' in message) {
      const id = session.state.session?.id;
      if (!id || !message.session || id === message.session) session.signOut(message.signedOut);
    } else if (session.wasLeft(message.answer)) return;
    // The other tab's cookie may have come after a newer one: ask which of them it is.
    else if (session.isOlder(message.answer)) refresher.refresh().catch(() => undefined);
    else {
      debt.settle();
      session.accept(message.answer, Math.max(0, Date.now() - message.at));
    }
  });
  const exclusively = <T>(work: () => Promise<T>) => tabs.exclusively(work);

  /** Stores, then uses. */
  const take = async (answer: unknown, signal: AbortSignal): Promise<TokenAnswer> => {
    signal.throwIfAborted();
    if (!isTokenAnswer(answer))
      throw new AuthClientError({ code: 'UNEXPECTED_ANSWER', message: 'The answer holds no token.' });
    const { refreshToken, ...shown } = answer;
    if (storage && refreshToken) await stored(storage.save(refreshToken));
    signal.throwIfAborted();
    return shown;
  };
  const accept = (answer: TokenAnswer) => {
    debt.settle();
    session.accept(answer);
    tabs.tell({ answer, at: Date.now() });
  };
  const signOut = (reason: SignOutReason) => {
    const id = session.state.session?.id;
    // Who knew of nobody has no news of those whom other tabs know.
    if (id || reason === 'LOGOUT') tabs.tell({ signedOut: reason, session: id });
    session.signOut(reason);
  };
  /** Whatever the storage does: nobody is signed in. */
  const leave = async (reason: SignOutReason) => {
    signOut(reason);
    if (storage) await stored(storage.clear());
  };
  const presented = async (): Promise<object | undefined> => {
    if (!storage) return undefined;
    const refreshToken = await stored(storage.load());
    return refreshToken ? { refreshToken } : {};
  };

  const refresher = new Refresher(
    session,
    {
      exclusively,
      isOwed: () => debt.exists,
      accept,
      async ask(signal) {
        const body = await presented();
        return take(await transport.call('POST', '/refresh', { body, signal, timeoutMs: attemptMs }), signal);
      },
      signOut: leave,
    },
    environment,
  );
  const tokens = new Tokens(session, refresher, refreshAhead * 1000);
  const stopKeeping = keepFresh(environment, session, tokens, refresher);

  /** Login, registration, change of password: a new epoch, in which nothing of the old one counts. */
  const enter = (path: string, body: object, token?: string | null): Promise<AuthUser | null> => {
    const signal = session.beginEpoch();
    return exclusively(async () => {
      const answer = await transport.call('POST', path, {
        body,
        token,
        signal,
        timeoutMs: PASSWORD_WITHIN_MS,
      });
      // Where the address has to be verified first there is an answer without a token.
      if (path === '/register' && !isTokenAnswer(answer)) return null;
      const taken = await take(answer, signal);
      accept(taken);
      return taken.user;
    }).catch((error) => {
      // It cut short the question who is signed in: where that is still unknown, it is asked again.
      tokens.get().catch(() => {});
      throw error;
    });
  };
  const enterWith = (path: string, input: object) =>
    enter(path, storage ? { ...input, transport: 'body' } : input);

  /** A request with an access token to the auth routes; once more if the token was refused. */
  const withToken = async <T>(work: (token: string | null) => Promise<T>): Promise<T> => {
    const refused = await tokens.get();
    return work(refused).catch(async (error: AuthClientError) => {
      if (!refused || !refusesAccessToken(error.code)) throw error;
      const token = await tokens.get({ refused });
      if (!token) throw error;
      return work(token);
    });
  };
  const ask = (method: string, path: string) =>
    withToken((token) => transport.call(method, path, { token, timeoutMs: attemptMs }));

  const payLogout = (token: string | null) =>
    exclusively(async () => {
      // Somebody signed in while this waited its turn: the cookie is his now.
      if (!debt.exists) return;
      await transport.call('POST', '/logout', { body: await presented(), token, timeoutMs: attemptMs });
      if (storage) await stored(storage.clear());
      debt.settle();
    });

  const auth: AuthClient = {
    login: (input) => enterWith('/login', input) as Promise<AuthUser>,
    register: (input) => enterWith('/register', input),
    async logout() {
      const { token } = session;
      debt.note();
      session.beginEpoch();
      signOut('LOGOUT');
      await payLogout(token);
    },
    async logoutAll() {
      const token = await tokens.get();
      await ask('POST', '/logout-all');
      // Another user may have signed in while it was on its way.
      if (session.hasIssued(token)) await leave('LOGOUT');
    },
    changePassword: (input) =>
      withToken((token) => enter('/change-password', input, token)) as Promise<AuthUser>,
    me: () => ask('GET', '/me') as Promise<AuthProfile>,
    sessions: () => ask('GET', '/sessions') as Promise<AuthSessionInfo[]>,
    async endSession(id) {
      await ask('DELETE', `/sessions/${encodeURIComponent(id)}`);
      if (id === session.state.session?.id) signOut('LOGOUT');
    },
    async endOtherSessions() {
      await ask('DELETE', '/sessions');
    },
    async restore() {
      if (debt.exists) {
        session.signOut('LOGOUT');
        await payLogout(null);
      } else if (!session.token) {
        await refresher.refresh();
      }
      return session.state;
    },
    fetch: (input, init) => authorized(input, init),
    getAccessToken: (request) => tokens.get(request),
    isTrusted(url) {
      const origins = [options.baseUrl, page?.home ?? options.baseUrl, ...trustedOrigins];
      const originOf = (each: string) => new URL(each, page?.url ?? options.baseUrl).origin;
      try {
        const origin = originOf(url);
        // Files and sandboxed frames have the origin 'null', which is nobody's in particular.
        return origin !== 'null' && origins.some((each) => originOf(each) === origin);
      } catch {
        return false;
      }
    },
    getState: () => session.state,
    subscribe: (listener) => session.subscribe(listener),
    close() {
      stopKeeping();
      tabs.close();
    },
  };
  const authorized = authorizedFetch(auth, send);
  return auth;
}

async function stored<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    throw new AuthClientError({ code: 'STORAGE_FAILED', message: 'The token storage failed.', cause });
  }
}
