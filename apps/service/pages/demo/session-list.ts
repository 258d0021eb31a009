import type { AuthClient, AuthSessionInfo } from 'nestjs-silent-auth-client';
import { browserName } from '../browser-name.js';
import { byId, html } from '../dom.js';
import { moment } from '../times.js';

/** This user's sessions, each with a button that ends it. */
export class SessionList {
  private readonly list = byId('session-list');
  private shown = '';

  constructor(
    private readonly auth: AuthClient,
    private readonly announce: (text: string) => void,
  ) {}

  async refresh(): Promise<void> {
    const sessions = await this.auth.sessions();
    // A list that is drawn anew takes the focus from its buttons.
    const signature = sessions.map(({ id, lastUsedAt }) => `${id} ${lastUsedAt}`).join();
    if (signature === this.shown) return;
    this.shown = signature;
    const focused = document.activeElement?.getAttribute('data-session');
    this.list.replaceChildren(...sessions.map((session) => this.item(session)));
    if (focused) this.list.querySelector<HTMLElement>(`[data-session="${CSS.escape(focused)}"]`)?.focus();
  }

  clear(): void {
    this.shown = '';
    this.list.replaceChildren();
  }

  private item(session: AuthSessionInfo): HTMLLIElement {
    const name = session.deviceName ?? browserName(session.userAgent);
    const button = html(
      'button',
      {
        type: 'button',
        'data-session': session.id,
        'aria-label': session.current ? 'Sign out of this session' : `End the session of ${name}`,
      },
      session.current ? 'Sign out' : 'End',
    );
    button.addEventListener('click', () => void this.end(session, button));
    return html(
      'li',
      {},
      html(
        'div',
        {},
        html('strong', {}, name),
        ...(session.current ? [' ', html('span', { class: 'chip' }, 'this one')] : []),
        html('small', {}, `${session.ip || 'unknown address'}, since ${moment(session.createdAt)}`),
        html('small', {}, `last used ${moment(session.lastUsedAt)}`),
      ),
      button,
    );
  }

  private async end({ id, current }: AuthSessionInfo, button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    try {
      await this.auth.endSession(id);
      if (current) return;
      this.announce('The session has ended: its tokens are refused in every process within a second or so.');
      await this.refresh();
    } catch {
      button.disabled = false;
      this.announce('The session could not be ended. Try again.');
    }
  }
}
