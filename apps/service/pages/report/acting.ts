import { byId, setText } from '../dom.js';
import { clockTime, zoneName } from '../times.js';
import type { ActingToken } from './user-source.js';

/** The access token by which an administrator acts for a user: here until the page is left or another user is looked up. */
export class Acting {
  private readonly part = byId('acting');
  private readonly token = byId<HTMLInputElement>('acting-token');

  constructor() {
    byId('acting-copy').addEventListener('click', () => void this.copy());
    byId('acting-drop').addEventListener('click', () => {
      this.clear();
      byId('impersonate').focus();
    });
  }

  show({ accessToken, expiresIn }: ActingToken, name: string): void {
    this.token.value = accessToken;
    const until = `${clockTime(Date.now() + expiresIn * 1000)} ${zoneName()}`;
    setText(
      byId('acting-text'),
      `Send it as “Authorization: Bearer …”. It acts as ${name} until ${until}, or until your session ends.`,
    );
    this.part.hidden = false;
    this.token.focus();
    this.token.select();
  }

  clear(): void {
    this.part.hidden = true;
    this.token.value = '';
    setText(byId('acting-text'), '');
    setText(byId('acting-news'), '');
  }

  private async copy(): Promise<void> {
    this.token.select();
    const isCopied = await navigator.clipboard.writeText(this.token.value).then(
      () => true,
      () => false,
    );
    setText(byId('acting-news'), isCopied ? 'Copied.' : 'It is selected: copy it with the keyboard.');
  }
}
