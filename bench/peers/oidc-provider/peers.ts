import { bearer, guardedByBearer, installed, ORDERS, type Peer } from '../peer.js';
import { tokenEndpoint } from '../token-endpoint.js';

const common = {
  ...tokenEndpoint({ token: '/token', revocation: '/token/revocation', clientId: 'bench-client' }),
  against: 'fastify',
  refreshes: 'rotates and detects reuse',
  openPath: ORDERS.open,
} satisfies Partial<Peer>;

export const oidcProvider: readonly Peer[] = [
  {
    ...common,
    name: 'oidc-provider-opaque',
    title: 'oidc-provider, opaque tokens',
    server: installed('oidc-provider', { env: { ACCESS_TOKENS: 'opaque' } }),
    // The way to ask it about an opaque token without credentials of one's own.
    guarded: ({ access }) => ({ method: 'GET', path: '/me', headers: bearer(access) }),
  },
  {
    ...common,
    name: 'oidc-provider-jwt',
    title: 'oidc-provider, JWT',
    server: installed('oidc-provider', { env: { ACCESS_TOKENS: 'jwt' } }),
    guarded: guardedByBearer,
  },
];
