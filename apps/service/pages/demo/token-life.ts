import type { AuthState } from 'nestjs-silent-auth-client';
import { byId, setText } from '../dom.js';

/** The client replaces an access token when a third of its life is left, a little earlier or later in each tab. */
const RENEWAL_SHARE = 1 / 3;

/** The access token's life, counting down. The token itself is never here: the client keeps it. */
export class TokenLife {
  private readonly ring = byId('ring-life');
  private endsAt = 0;
  private lifeMs = 1;
  private renewals = 0;
  private sessionId: string | null = null;

  accept(state: AuthState): void {
    if (state.status !== 'signed-in') return;
    const { user, session, tokenExpiresAt } = state;
    if (session.id !== this.sessionId) [this.sessionId, this.renewals] = [session.id, 0];
    else if (tokenExpiresAt !== this.endsAt) this.renewals += 1;
    this.endsAt = tokenExpiresAt;
    this.lifeMs = Math.max(1000, Math.ceil((tokenExpiresAt - Date.now()) / 1000) * 1000);
    setText(byId('who'), user.email);
    setText(byId('generation'), `#${session.generation}`);
    setText(byId('renewed'), this.renewals === 0 ? 'not yet, in this tab' : `${this.renewals}× without you`);
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
