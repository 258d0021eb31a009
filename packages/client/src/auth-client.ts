import { accountMethods } from './account.js';
import { createAttempts } from './attempts.js';
import { createAuthRoutes } from './auth-routes.js';
import { authorizedFetch } from './authorized-fetch.js';
import { createBackOff } from './back-off.js';
import type { Environment } from './environment.js';
import { invalidOptions } from './errors.js';
import { keepFresh } from './keep-fresh.js';
import { logoutMethods } from './logout.js';
import { createLogoutDebt } from './logout-debt.js';
import { storedRecords, withMemory } from './records.js';
import { createRefresh } from './refresh.js';
import { createSession } from './session.js';
import { followTabs, shareSession } from './shared-session.js';
import { signInMethods } from './sign-in.js';
import { createTabs } from './tabs.js';
import { createTokens } from './tokens.js';
import { createTransport } from './transport.js';
import type { AuthClient, AuthClientOptions } from './types.js';
import { readUrls } from './urls.js';

/** The client in a given environment; `createAuthClient` passes that of its host. */
export function createClientIn(environment: Environment, options: AuthClientOptions): AuthClient {
  const { refreshAhead = 60, gracePeriod = 10, storage, transport } = options;
  if (!storage !== (transport !== 'body'))
    throw invalidOptions('transport: "body" and storage need each other.');
  const { page, setTimer } = environment;
  const urls = readUrls(options, environment);
  const send: typeof fetch = (input, init) => (options.fetch ?? globalThis.fetch)(input, init);
  const sendAuth = options.proof?.(send) ?? send;

  // Clients with a storage of their own share no cookie, so their tabs are independent.
  const sharedPage = storage ? null : page;
  const name = `nestjs-silent-auth:${urls.base}`;
  const records = storage ? storedRecords(storage) : withMemory(environment.openRecords?.(name), setTimer);
  const attempts = createAttempts(records, !!storage, environment.random);
  const session = createSession(environment.stopwatch, gracePeriod * 1000, options.onSignedOut);
  const debt = createLogoutDebt(name, sharedPage);
  const tabs = createTabs(name, sharedPage, environment);
  const sharing = shareSession(session, debt, tabs, attempts);
  const call = createTransport(urls.base, sendAuth, environment, gracePeriod * 500);
  const routes = createAuthRoutes(call, attempts, !!storage);
  const backOff = createBackOff(environment);
  /** The server sets a readable hint cookie. A page on another host cannot see it. */
  const mayHaveSession = () =>
    !urls.base.startsWith(`${/^\w+:..[^/]*/.exec(sharedPage?.home ?? '')?.[0]}/`) ||
    /_hint=1/.test(sharedPage?.cookies ?? '_hint=1');
  const refresh = createRefresh(sharing, routes, backOff, mayHaveSession);
  const tokens = createTokens(session, refresh, refreshAhead * 1000);

  let stop: (() => void) | null = null;
  const open = (): void => {
    if (stop) return;
    followTabs(sharing, refresh);
    const stopKeeping = keepFresh(environment, session, tokens, refresh, backOff);
    stop = () => {
      stopKeeping();
      tabs.close();
    };
  };
  open();

  const methods = {
    ...signInMethods(sharing, routes, tokens, transport as 'body' | undefined),
    ...logoutMethods(sharing, routes, refresh),
    ...accountMethods(sharing, tokens, call),
    fetch: authorizedFetch(tokens.get, urls, send, setTimer),
    getAccessToken: tokens.get,
    subscribe: session.subscribe,
  };
  /** React's StrictMode closes a client in the clean-up of an effect, then uses it again. */
  const reopening = Object.entries(methods).map(([key, method]) => [
    key,
    (...parameters: never[]) => {
      open();
      return Reflect.apply(method, undefined, parameters) as unknown;
    },
  ]);
  return {
    ...(Object.fromEntries(reopening) as typeof methods),
    isTrusted: urls.isTrusted,
    getState: () => session.state,
    close() {
      stop?.();
      stop = null;
    },
  };
}
