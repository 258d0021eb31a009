import { randomBytes } from 'node:crypto';
import type { Adapter } from '../../host/host-app.js';
import type { Answer } from '../../load/http.js';
import { refreshCookie, registerCall } from '../../load/session-client.js';
import { bearer, built, type Credentials, guardedByBearer, ORDERS, type Peer } from '../peer.js';

/** The contract of the product's HTTP interface, on either framework. */
const contract: Pick<Peer, 'refreshes' | 'signIn' | 'refresh' | 'renewed' | 'logout' | 'identity'> = {
  refreshes: 'rotates and detects reuse',
  signIn: async (http) => credentialsOf(await http.expect(registerCall())),
  refresh: ({ refresh }) => ({ method: 'POST', path: '/auth/refresh', headers: { cookie: refresh } }),
  renewed: credentialsOf,
  logout: ({ access }) => ({ method: 'POST', path: '/auth/logout', headers: bearer(access) }),
  /** The secret: the token around it has the session's expiry, which a repeated request extends. */
  identity: (cookie) => JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString('utf8')).sec,
};

function credentialsOf(answer: Answer): Credentials {
  const { name, value } = refreshCookie(answer);
  return { refresh: `${name}=${value}`, access: JSON.parse(answer.text).accessToken };
}

export function silentAuth(adapter: Adapter): Peer {
  return {
    ...contract,
    name: `silent-auth-${adapter}`,
    title: `Silent Auth, ${adapter === 'express' ? 'Express' : 'Fastify'}`,
    against: adapter,
    server: built('bench/dist/peers/silent-auth/server.js', { env: { HTTP_ADAPTER: adapter } }),
    guarded: guardedByBearer,
    openPath: ORDERS.open,
  };
}

const newSecret = () => randomBytes(36).toString('base64url');

/** The reference service, with its log, its metrics and its headers. Its guarded route reads the user. */
export const service: Peer = {
  ...contract,
  name: 'service',
  title: 'the reference service, Fastify',
  against: 'fastify',
  server: built('apps/service/dist/main.js', {
    readyWhen: 'Silent Auth is running',
    env: {
      ISSUER: 'https://bench.example.com',
      JWT_ACCESS_KEYS: newSecret(),
      JWT_REFRESH_KEYS: newSecret(),
      HOST: '127.0.0.1',
      BCRYPT_COST: '4',
      THROTTLE: 'off',
    },
  }),
  guarded: ({ access }) => ({ method: 'GET', path: '/auth/me', headers: bearer(access) }),
  openPath: null,
};
