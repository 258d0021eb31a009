import type { Adapter } from '../../host/host-app.js';
import { bodyTokens } from '../body-tokens.js';
import { built, guardedByBearer, ORDERS, type Peer } from '../peer.js';

export function textbook(adapter: Adapter): Peer {
  return {
    ...bodyTokens({ signIn: '/textbook/login', refresh: '/textbook/refresh', logout: '/textbook/logout' }),
    name: `textbook-${adapter}`,
    title: `passport-jwt tutorial, ${adapter === 'express' ? 'Express' : 'Fastify'}`,
    against: adapter,
    refreshes: 'rotates, not atomic, detects nothing',
    server: built('bench/dist/peers/textbook/server.js', { env: { HTTP_ADAPTER: adapter } }),
    guarded: guardedByBearer,
    openPath: ORDERS.open,
  };
}
