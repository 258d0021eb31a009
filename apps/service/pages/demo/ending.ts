import type { SignOutReason } from 'nestjs-silent-auth-client';
import { byId, setText } from '../dom.js';

const THEFT = [
  'A thief was caught, and this session ended',
  'A replaced refresh token came back after its grace period, and its successor had been used: so two clients hold tokens of this session. The server cannot know which of them is you; it ended the session for both. You can sign in again, the thief cannot.',
] as const;
const ELSEWHERE = [
  'This session was ended',
  'From another device, or by an administrator. Sign in again to continue.',
] as const;
const ENDINGS: Readonly<Record<string, readonly [string, string]>> = {
  LOGOUT: ['You are signed out', 'In every tab, and on the server: no token of this session works any more.'],
  REFRESH_TOKEN_EXPIRED: ['This session expired', 'It was not used for too long. Sign in again to continue.'],
};

/** Says why the session is over, where the reader's eye and focus are. */
export class Ending {
  private readonly notice = byId('ended');
  private reason: SignOutReason | null = null;

  show(reason: SignOutReason, wasTheft: boolean): void {
    this.reason = reason;
    const [title, text] = wasTheft ? THEFT : (ENDINGS[reason] ?? ELSEWHERE);
    setText(byId('ended-title'), title);
    setText(byId('ended-text'), text);
    setText(byId('sign-in-title'), 'Sign in again');
    this.notice.classList.toggle('danger', wasTheft);
    byId('pitch').hidden = true;
    if (!this.notice.hidden) return;
    this.notice.hidden = false;
    this.notice.focus();
  }

  /** Another tab knows more of why. */
  correct(wasTheft: boolean): void {
    if (this.reason !== null && wasTheft) this.show(this.reason, wasTheft);
  }

  clear(): void {
    this.reason = null;
    this.notice.hidden = true;
  }
}
