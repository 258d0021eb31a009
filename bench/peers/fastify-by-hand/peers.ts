import { bodyTokens } from '../body-tokens.js';
import { guardedByBearer, installed, ORDERS, type Peer } from '../peer.js';

export const fastifyByHand: Peer = {
  ...bodyTokens({ signIn: '/sign-in', refresh: '/refresh', logout: null }),
  name: 'fastify-by-hand',
  title: 'Fastify by hand',
  against: 'fastify',
  refreshes: 'one conditional update and nothing else',
  server: installed('fastify-by-hand'),
  guarded: guardedByBearer,
  openPath: ORDERS.open,
};
