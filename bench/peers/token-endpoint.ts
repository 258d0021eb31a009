import type { Answer, Call } from '../load/http.js';
import { tokenText } from './body-tokens.js';
import type { Credentials, Peer } from './peer.js';

interface Endpoints {
  readonly token: string;
  readonly revocation: string;
  readonly clientId: string;
}

/** A peer with the endpoints of RFC 6749 and RFC 7009 for a public client, and a sign-in that answers like the first. */
export function tokenEndpoint({
  token,
  revocation,
  clientId,
}: Endpoints): Pick<Peer, 'signIn' | 'refresh' | 'renewed' | 'logout'> {
  const post = (path: string, form: Readonly<Record<string, string>>): Call => ({
    method: 'POST',
    path,
    form: { ...form, client_id: clientId },
  });
  return {
    signIn: async (http) => tokensOf(await http.expect({ method: 'POST', path: '/sign-in' })),
    refresh: ({ refresh }) => post(token, { grant_type: 'refresh_token', refresh_token: refresh }),
    renewed: tokensOf,
    logout: ({ refresh }) => post(revocation, { token: refresh, token_type_hint: 'refresh_token' }),
  };
}

function tokensOf({ text }: Answer): Credentials {
  const { refresh_token, access_token } = JSON.parse(text);
  return { refresh: tokenText(refresh_token), access: tokenText(access_token) };
}
