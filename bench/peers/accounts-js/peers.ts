import type { Answer } from '../../load/http.js';
import { tokenText } from '../body-tokens.js';
import { bearer, type Credentials, guardedByBearer, installed, ORDERS, type Peer } from '../peer.js';

function credentialsOf({ refreshToken, accessToken }: Record<string, unknown>): Credentials {
  return { refresh: tokenText(refreshToken), access: tokenText(accessToken) };
}

export const accountsJs: Peer = {
  name: 'accounts-js',
  title: 'accounts-js',
  against: 'express',
  refreshes: 'signs again, rotates nothing',
  server: installed('accounts-js'),
  async signIn(http) {
    return credentialsOf(JSON.parse((await http.expect({ method: 'POST', path: '/sign-in' })).text));
  },
  refresh: ({ refresh, access }) => ({
    method: 'POST',
    path: '/accounts/refreshTokens',
    body: { refreshToken: refresh, accessToken: access },
  }),
  renewed: ({ text }: Answer) => credentialsOf(JSON.parse(text).tokens),
  guarded: guardedByBearer,
  openPath: ORDERS.open,
  logout: ({ access }) => ({ method: 'POST', path: '/accounts/logout', headers: bearer(access) }),
};
