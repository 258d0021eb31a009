import { orAborted } from './abort.js';
import { type AuthClientError, superseded } from './errors.js';
import type { Refresher } from './refresh.js';
import type { Session } from './session.js';
import type { AccessTokenRequest } from './types.js';

/** Hands out access tokens that are good for a while. */
export class Tokens {
  constructor(
    private readonly session: Session,
    private readonly refresher: Refresher,
    private readonly refreshAheadMs: number,
  ) {}

  /** Ms before its end at which the token is replaced: a short-lived one is not replaced all the time. */
  get ahead(): number {
    return Math.min(this.refreshAheadMs, this.session.lifetime / 3);
  }

  get(request: AccessTokenRequest = {}): Promise<string | null> {
    return orAborted(this.wait(request.refused), request.signal);
  }

  private async wait(refused: string | undefined): Promise<string | null> {
    const { session, refresher } = this;
    const asker = session.state.user?.id;
    // What one user asked for is never sent in the name of the next.
    if (refused && session.token && !session.hasIssued(refused)) throw superseded();
    const isWanting = () =>
      session.state.status === 'unknown' ||
      (session.token !== null && (session.token === refused || session.remaining <= this.ahead));
    for (let isSuperseded = true; isSuperseded && isWanting();) {
      isSuperseded = false;
      await refresher.refresh().catch((error: AuthClientError) => {
        isSuperseded = error.code === 'SUPERSEDED';
        // A token that lives is used while it lives, whatever happens to its successor.
        const isUsable = session.remaining > 0 && session.token !== refused;
        if (!isSuperseded && !isUsable) throw error;
      });
    }
    const { user } = session.state;
    if (asker && user && asker !== user.id) throw superseded();
    return session.token;
  }
}
