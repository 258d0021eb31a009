import { cookiesAfter } from '../../load/cookie-jar.js';
import type { Answer, Call } from '../../load/http.js';
import { tokenText } from '../body-tokens.js';
import { type Credentials, guardedByBearer, guardedByCookie, installed, ORDERS, type Peer } from '../peer.js';
import { tokenEndpoint } from '../token-endpoint.js';

type Mode = 'session' | 'cookie-cache' | 'jwt' | 'oauth-provider';

function server(mode: Mode, env: Readonly<Record<string, string>> = {}) {
  return installed('better-auth', { env: { MODE: mode, ...env } });
}

const signIn: Call = { method: 'POST', path: '/sign-in' };
const signOut = ({ refresh }: Credentials): Call => ({
  method: 'POST',
  path: '/api/auth/sign-out',
  headers: { cookie: refresh, origin: 'https://app.example.com' },
  body: {},
});

function sessionAfter(answer: Answer, { refresh }: Credentials): Credentials {
  if (answer.text === 'null') throw new Error('the answer has no session');
  const cookie = cookiesAfter(answer, refresh);
  return { refresh: cookie, access: cookie };
}

const byCookie: Omit<Peer, 'name' | 'title' | 'refreshes' | 'server'> = {
  against: 'express',
  signIn: async (http) => sessionAfter(await http.expect(signIn), { refresh: '', access: '' }),
  refresh: ({ refresh }) => ({ method: 'GET', path: '/api/auth/get-session', headers: { cookie: refresh } }),
  renewed: sessionAfter,
  guarded: guardedByCookie,
  openPath: ORDERS.open,
  logout: signOut,
};

const session: Peer = {
  ...byCookie,
  name: 'better-auth-session',
  title: 'better-auth, session cookie',
  refreshes: 'extends the life of one token',
  server: server('session'),
};

const cookieCache: Peer = {
  ...byCookie,
  name: 'better-auth-cookie-cache',
  title: 'better-auth, cookie cache',
  refreshes: 'nothing; reads no database',
  server: server('cookie-cache'),
};

const jwtCall = ({ refresh }: Credentials): Call => ({
  method: 'GET',
  path: '/api/auth/token',
  headers: { cookie: refresh },
});
const withJwt = ({ text }: Answer, { refresh }: Credentials): Credentials => ({
  refresh,
  access: tokenText(JSON.parse(text).token),
});

const jwt: Peer = {
  ...byCookie,
  name: 'better-auth-jwt',
  title: 'better-auth, jwt plugin',
  refreshes: 'makes a JWT, the session token stays',
  server: server('jwt'),
  async signIn(http) {
    const signedIn = await byCookie.signIn(http);
    return withJwt(await http.expect(jwtCall(signedIn)), signedIn);
  },
  refresh: jwtCall,
  renewed: withJwt,
  guarded: guardedByBearer,
};

function provider(over: Pick<Peer, 'name' | 'title' | 'server'>): Peer {
  return {
    ...tokenEndpoint({
      token: '/api/auth/oauth2/token',
      revocation: '/api/auth/oauth2/revoke',
      clientId: 'bench-client',
    }),
    against: 'express',
    refreshes: 'rotates and detects reuse',
    guarded: guardedByBearer,
    openPath: ORDERS.open,
    ...over,
  };
}

const oauthProvider = provider({
  name: 'better-auth-oauth-provider',
  title: 'better-auth, oauth-provider',
  server: server('oauth-provider'),
});

const oauthProviderReuseInterval = provider({
  name: 'better-auth-oauth-provider-30s',
  title: 'better-auth, oauth-provider, refreshTokenReuseInterval: 30',
  server: server('oauth-provider', { REUSE_INTERVAL: '30' }),
});

export const betterAuth: readonly Peer[] = [
  session,
  cookieCache,
  jwt,
  oauthProvider,
  oauthProviderReuseInterval,
];
