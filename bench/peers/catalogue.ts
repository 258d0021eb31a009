import { ADAPTERS } from '../host/host-app.js';
import { accountsJs } from './accounts-js/peers.js';
import { betterAuth } from './better-auth/peers.js';
import { bymaxNestAuth } from './bymax-nest-auth/peers.js';
import { expressSession } from './express-session/peers.js';
import { fastifyByHand } from './fastify-by-hand/peers.js';
import { oidcProvider } from './oidc-provider/peers.js';
import type { Peer } from './peer.js';
import { service, silentAuth } from './silent-auth/peers.js';
import { textbook } from './textbook/peers.js';

/** What every other peer is compared with. */
export const PRODUCTS: readonly Peer[] = ADAPTERS.map(silentAuth);

const OTHERS: readonly Peer[] = [
  service,
  ...ADAPTERS.map(textbook),
  fastifyByHand,
  expressSession,
  ...betterAuth,
  ...oidcProvider,
  accountsJs,
  bymaxNestAuth,
];

/** @param names none for all */
export function chosenPeers(names: readonly string[]): readonly Peer[] {
  const known = OTHERS.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`no such peer: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return names.length === 0 ? OTHERS : OTHERS.filter(({ name }) => names.includes(name));
}
