import type { AuthClient } from 'nestjs-silent-auth-client';
import { byId, html, setText } from '../dom.js';
import { wordsOf } from './service.js';
import { userIdOf } from './typed.js';
import { findUsers, type UserPage, type UserRecord } from './user-source.js';

/** An address, or enough of its beginning that a search means somebody. */
const SEARCH = /^[^\s]{3,254}$/;
const WRONG = 'Give an e-mail address, at least three characters of its beginning, or a user id.';

type Look = (user: Pick<UserRecord, 'id'> & Partial<UserRecord>, opener: HTMLElement) => void;

/** Which user: by e-mail address or by id. */
export class UserForm {
  private readonly field = byId<HTMLInputElement>('user-id');
  private readonly found = byId('found');
  private searching: AbortController | null = null;

  constructor(
    private readonly auth: Pick<AuthClient, 'fetch'>,
    private readonly look: Look,
  ) {
    byId<HTMLFormElement>('look').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.submit(this.field.value.trim());
    });
  }

  /** Shows the user who was chosen elsewhere, or nobody. */
  show(text: string): void {
    this.field.value = text;
    this.say('');
    this.clear();
  }

  private async submit(text: string): Promise<void> {
    this.clear();
    const id = userIdOf(text);
    const isWrong = id === null && !SEARCH.test(text);
    this.say(isWrong ? WRONG : '');
    if (isWrong) this.field.focus();
    else if (id === null) await this.search(text);
    else this.look({ id }, this.field);
  }

  private async search(text: string): Promise<void> {
    const current = (this.searching = new AbortController());
    setText(byId('found-news'), 'Searching.');
    try {
      const page = await findUsers(this.auth, text, current.signal);
      if (current.signal.aborted) return;
      setText(byId('found-news'), '');
      this.showFound(page, text.toLowerCase());
    } catch (reason) {
      if (current.signal.aborted) return;
      setText(byId('found-news'), '');
      this.say(wordsOf(reason), false);
    }
  }

  private showFound({ items, nextCursor }: UserPage, text: string): void {
    const exact = items.find(({ email }) => email.toLowerCase() === text);
    const only = exact ?? (items.length === 1 ? items[0] : undefined);
    if (only) {
      this.look(only, this.field);
      return;
    }
    if (items.length === 0) {
      this.say(`No user has an e-mail address that begins with “${text}”.`, false);
      return;
    }
    this.found.replaceChildren(...items.map((user) => this.choice(user)));
    const many = nextCursor === undefined ? `${items.length} users` : `The first ${items.length} users`;
    const more = nextCursor === undefined ? '' : ' Type more of the address to see others.';
    setText(byId('found-news'), `${many} whose address begins with “${text}”.${more}`);
  }

  private choice(user: UserRecord): HTMLLIElement {
    const button = html('button', { type: 'button', class: 'found' }, html('bdi', {}, user.email));
    button.addEventListener('click', () => this.look(user, this.field));
    return html(
      'li',
      {},
      button,
      ...(user.disabledAt === null ? [] : [html('span', { class: 'chip danger' }, 'disabled')]),
    );
  }

  private clear(): void {
    this.searching?.abort();
    this.searching = null;
    this.found.replaceChildren();
    setText(byId('found-news'), '');
  }

  private say(problem: string, isAboutText = problem !== ''): void {
    this.field.ariaInvalid = String(isAboutText);
    setText(byId('look-problem'), problem);
  }
}
