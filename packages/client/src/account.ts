import { PASSWORD_TIMEOUT_MS } from './auth-routes.js';
import type { SharedSession } from './shared-session.js';
import type { Tokens } from './tokens.js';
import type { Call } from './transport.js';
import type { AuthClient, AuthProfile, AuthSessionInfo, AuthTicket } from './types.js';

const DONE = [204];

/** The user's profile and sessions, asked for with the access token, and what the links in mails need. */
export function accountMethods(
  { session, signOut, end }: SharedSession,
  tokens: Tokens,
  call: Call,
): Pick<
  AuthClient,
  | 'me'
  | 'sessions'
  | 'endSession'
  | 'endOtherSessions'
  | 'logoutAll'
  | 'ticket'
  | 'forgotPassword'
  | 'resetPassword'
  | 'verifyEmail'
> {
  const ask = (method: string, path: string, status?: number[], body?: object) =>
    tokens.use((token) => call(method, path, { token, status, body }));
  const submit = async (path: string, body: object, status = DONE) => {
    await call('POST', path, { body, status, timeoutMs: PASSWORD_TIMEOUT_MS });
  };
  return {
    me: () => ask('GET', '/me') as Promise<AuthProfile>,
    sessions: () => ask('GET', '/sessions') as Promise<AuthSessionInfo[]>,
    async endSession(id) {
      await ask('DELETE', `/sessions/${encodeURIComponent(id)}`, DONE);
      if (id === session.state.session?.id) signOut('LOGOUT');
    },
    endOtherSessions: () => ask('DELETE', '/sessions', DONE) as Promise<void>,
    async logoutAll() {
      const token = await tokens.get();
      await ask('POST', '/logout-all', DONE);
      // Another user may have signed in meanwhile.
      if (session.hasIssued(token)) await end('LOGOUT');
    },
    ticket: () => ask('POST', '/ticket') as Promise<AuthTicket>,
    forgotPassword: (email) => submit('/forgot-password', { email }, [202]),
    resetPassword: (input) => submit('/reset-password', input),
    verifyEmail: (token) => submit('/verify-email', { token }),
  };
}
