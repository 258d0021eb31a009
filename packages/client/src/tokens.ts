import { orAborted } from './abort.js';
import { type AuthClientError, isSuperseded, superseded } from './errors.js';
import type { Refresh } from './refresh.js';
import { refusesAccessToken } from './refusals.js';
import type { Session } from './session.js';
import type { AccessTokenRequest } from './types.js';

export type Tokens = ReturnType<typeof createTokens>;

/** Hands out access tokens that stay valid for a while. */
export function createTokens(session: Session, refresh: Refresh, refreshAheadMs: number) {
  /** A refused token that is being replaced: no further request uses it. */
  let refusedToken: string | null | undefined;
  /**
   * Ms before its expiry at which a token is replaced. At most a third of its lifetime, so that a short-lived token
   * is not replaced all the time.
   */
  const ahead = () => Math.min(refreshAheadMs, session.lifetime / 3);

  const needsRefresh = (): boolean => {
    const { state, token } = session;
    return state.status !== 'signed-out' && (token === refusedToken || session.remaining() <= ahead());
  };
  /** Resolves with `false` if a login or logout came in between, so that the caller must look at the new session. */
  const tryRefresh = async (refused: string | undefined): Promise<boolean> => {
    try {
      await refresh();
    } catch (error) {
      if (isSuperseded(error)) return false;
      // A token that cannot be replaced is used until it expires.
      const isUsable = session.remaining() > 0 && session.token !== refused;
      if (!isUsable) throw error;
    }
    return true;
  };
  const next = async ({ refused, code }: AccessTokenRequest): Promise<string | null> => {
    const asker = session.state.user?.id;
    // A request of one user is never sent in the name of the next.
    if (refused && session.token && !session.hasIssued(refused)) throw superseded();
    // An API that refuses a new token refuses its replacement too, unless the service revoked the token.
    const mayHelp =
      session.ages.restMs() <= 0 && (!session.ages.isFresh() || code === 'ACCESS_TOKEN_REVOKED');
    if (refused === session.token && mayHelp) refusedToken = refused;
    try {
      while (needsRefresh()) {
        const isDone = await tryRefresh(refused);
        if (isDone) break;
      }
    } finally {
      if (refusedToken === refused) refusedToken = undefined;
    }
    const { user } = session.state;
    if (asker && user && asker !== user.id) throw superseded();
    return session.token;
  };
  const get = ({ signal, ...request }: AccessTokenRequest = {}) => orAborted(next(request), signal);

  return {
    ahead,
    get,
    /** Runs the work with an access token, and once more with a new one if the server refuses the first. */
    async use<T>(work: (token: string | null) => Promise<T>): Promise<T> {
      const refused = await get();
      try {
        return await work(refused);
      } catch (error) {
        const { code } = error as AuthClientError;
        if (!refused || !refusesAccessToken(code)) throw error;
        const token = await get({ refused, code });
        if (!token || token === refused) throw error;
        return work(token);
      }
    },
  };
}
