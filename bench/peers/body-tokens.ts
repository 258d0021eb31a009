import type { Answer, Call } from '../load/http.js';
import type { Credentials, Peer } from './peer.js';

interface Routes {
  readonly signIn: string;
  readonly refresh: string;
  readonly logout: string | null;
}

/** A peer that takes and gives `refreshToken` and `accessToken` in bodies of JSON. */
export function bodyTokens({
  signIn,
  refresh,
  logout,
}: Routes): Pick<Peer, 'signIn' | 'refresh' | 'renewed' | 'logout'> {
  const post = (path: string, refreshToken: string): Call => ({
    method: 'POST',
    path,
    body: { refreshToken },
  });
  return {
    signIn: async (http) => tokensOf(await http.expect({ method: 'POST', path: signIn, body: {} })),
    refresh: (credentials) => post(refresh, credentials.refresh),
    renewed: tokensOf,
    logout: logout === null ? null : (credentials) => post(logout, credentials.refresh),
  };
}

function tokensOf({ text }: Answer): Credentials {
  const { refreshToken, accessToken } = JSON.parse(text);
  return { refresh: tokenText(refreshToken), access: tokenText(accessToken) };
}

/** @throws if an answer has no such token */
export function tokenText(token: unknown): string {
  if (typeof token !== 'string' || token === '') throw new Error('the answer has no session');
  return token;
}
