import type { AuthState } from 'nestjs-silent-auth-client';
import { byId, setText } from '../dom.js';

/** The client replaces an access token when a third of its life is left, a little earlier or later in each tab. */
const RENEWAL_SHARE = 1 / 3;
/** Nobody watches a token for longer: sessions that began elsewhere have tokens of many minutes. */
const LONGEST_MS = 60_000;
/** As long as the tokens of sessions that begin on this page. */
const SHORT_MS = 20_000;

/** The access token's life, counting down. The token itself is never here: the client keeps it. */
export class TokenLife {
  private readonly ring = byId('ring-life');
  private endsAt = 0;
  /** When the token itself expires: later, where the page renews it early. */
  private expiresAt = 0;
  private lifeMs = 1;
  private renewals = 0;
  private sessionId: string | null = null;

  accept(state: AuthState): void {
    if (state.status !== 'signed-in') return;
    const { user, session, tokenExpiresAt } = state;
    if (session.id !== this.sessionId) [this.sessionId, this.renewals] = [session.id, 0];
    else if (tokenExpiresAt !== this.expiresAt) this.renewals += 1;
    if (tokenExpiresAt !== this.expiresAt) this.begin(tokenExpiresAt);
    setText(byId('who'), user.email);
    setText(byId('generation'), `#${session.generation}`);
    setText(
      byId('renewed'),
      this.renewals === 0
        ? 'not yet, in this tab'
        : `${this.renewals} ${this.renewals === 1 ? 'time' : 'times'}, by itself`,
    );
  }

  /** Whether the page has to renew a token that lives too long to be watched. */
  get isDue(): boolean {
    return this.isShortened && this.endsAt - Date.now() <= this.lifeMs * RENEWAL_SHARE;
  }

  private get isShortened(): boolean {
    return this.expiresAt > this.endsAt;
  }

  private begin(expiresAt: number): void {
    const ownMs = expiresAt - Date.now();
    this.expiresAt = expiresAt;
    this.endsAt = ownMs > LONGEST_MS ? Date.now() + SHORT_MS : expiresAt;
    this.lifeMs = Math.max(1000, Math.ceil((this.endsAt - Date.now()) / 1000) * 1000);
    const minutes = Math.round(ownMs / 60_000);
    byId('long-life').hidden = !this.isShortened;
    setText(
      byId('long-life'),
      `Access tokens of this session live for ${minutes} minutes. So that you can watch, this page renews them as if they lived for ${SHORT_MS / 1000} seconds.`,
    );
  }

  draw(): void {
    const leftMs = Math.max(0, this.endsAt - Date.now());
    const share = Math.min(1, leftMs / this.lifeMs);
    this.ring.style.strokeDashoffset = String(100 * (1 - share));
    setText(byId('seconds'), String(Math.ceil(leftMs / 1000)));
    const untilRenewal = Math.ceil((leftMs - this.lifeMs * RENEWAL_SHARE) / 1000);
    setText(byId('token-note'), noteOf(leftMs, untilRenewal));
  }
}

function noteOf(leftMs: number, untilRenewal: number): string {
  if (leftMs === 0) return 'Expired: the next request renews it.';
  return untilRenewal > 0 ? `Renews itself in about ${untilRenewal} s.` : 'Renews itself any moment.';
}
