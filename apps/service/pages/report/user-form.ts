import { byId, setText } from '../dom.js';
import { userIdOf } from './user-id.js';

/** Which user: by his id. What cannot be one is not asked for. */
export class UserForm {
  private readonly field = byId<HTMLInputElement>('user-id');

  constructor(look: (id: string, opener: HTMLElement) => void) {
    byId<HTMLFormElement>('look').addEventListener('submit', (event) => {
      event.preventDefault();
      const id = userIdOf(this.field.value);
      this.mark(id === null);
      if (id === null) this.field.focus();
      else look(id, this.field);
    });
  }

  /** Shows the one who was chosen elsewhere, or nobody. */
  show(id: string): void {
    this.field.value = id;
    this.mark(false);
  }

  private mark(isWrong: boolean): void {
    this.field.ariaInvalid = String(isWrong);
    setText(
      byId('look-problem'),
      isWrong ? 'That is no user id: those are 24 characters, 0 to 9 and a to f.' : '',
    );
  }
}
