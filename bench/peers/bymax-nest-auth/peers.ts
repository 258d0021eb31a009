import { randomUUID } from 'node:crypto';
import { PASSWORD } from '../../load/session-client.js';
import { bodyTokens } from '../body-tokens.js';
import { bearer, guardedByBearer, installed, ORDERS, type Peer } from '../peer.js';

const routes = bodyTokens({ signIn: '/register', refresh: '/refresh', logout: null });

export const bymaxNestAuth: Peer = {
  ...routes,
  name: 'bymax-nest-auth',
  title: '@bymax-one/nest-auth',
  against: 'express',
  refreshes: 'rotates and detects reuse, in Redis',
  server: installed('bymax-nest-auth', { needsRedis: true }),
  async signIn(http) {
    const body = {
      email: `${randomUUID()}@example.com`,
      password: PASSWORD,
      name: 'Bench',
      tenantId: 'bench',
    };
    const answer = await http.expect({ method: 'POST', path: '/register', body });
    return routes.renewed(answer, { refresh: '', access: '' });
  },
  guarded: guardedByBearer,
  openPath: ORDERS.open,
  logout: ({ refresh, access }) => ({
    method: 'POST',
    path: '/logout',
    headers: bearer(access),
    body: { refreshToken: refresh },
  }),
};
