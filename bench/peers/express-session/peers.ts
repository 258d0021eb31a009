import { cookiesAfter } from '../../load/cookie-jar.js';
import type { Answer, Call } from '../../load/http.js';
import { type Credentials, guardedByCookie, installed, ORDERS, type Peer } from '../peer.js';

const post = (path: string, { refresh }: Credentials): Call => ({
  method: 'POST',
  path,
  headers: { cookie: refresh },
});

function sessionOf(answer: Answer): Credentials {
  const cookie = cookiesAfter(answer);
  if (cookie === '') throw new Error('the answer has no session');
  return { refresh: cookie, access: cookie };
}

export const expressSession: Peer = {
  name: 'express-session',
  title: 'express-session, connect-mongo',
  against: 'express',
  refreshes: 'a new id',
  server: installed('express-session'),
  signIn: async (http) => sessionOf(await http.expect({ method: 'POST', path: '/sign-in' })),
  refresh: (credentials) => post('/refresh', credentials),
  renewed: sessionOf,
  guarded: guardedByCookie,
  openPath: ORDERS.open,
  logout: (credentials) => post('/logout', credentials),
};
