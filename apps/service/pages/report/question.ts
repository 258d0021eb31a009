import { byId, setText } from '../dom.js';

/** What the reader has to type before the answer can be a yes. */
export interface Field {
  readonly label: string;
  readonly type?: 'text' | 'password';
  readonly value?: string;
  /** Whether what was typed may be sent. */
  readonly isGood: (typed: string) => boolean;
}

export interface Asked {
  readonly title: string;
  /** What will happen. */
  readonly text: string;
  /** On the button that makes it happen. */
  readonly yes: string;
  readonly field?: Field;
}

const NOTHING: Asked = { title: '', text: '', yes: '' };

/** Asks before an order. Escape, and whatever else closes it, is a no. */
export class QuestionDialog {
  private readonly dialog = byId<HTMLDialogElement>('question');
  private readonly yes = byId<HTMLButtonElement>('question-yes');
  private readonly input = byId<HTMLInputElement>('question-field');
  private asked = NOTHING;

  constructor() {
    byId<HTMLFormElement>('question-form').addEventListener('submit', (event) => {
      event.preventDefault();
      if (!this.yes.disabled) this.dialog.close('yes');
    });
    this.input.addEventListener('input', () => this.judge());
    byId('question-no').addEventListener('click', () => this.dialog.close());
  }

  /**
   * The focus begins on the field, else on the no, and goes back to where it was.
   * @returns what was typed, empty without a field; null: no
   */
  ask(asked: Asked): Promise<string | null> {
    this.write(asked);
    this.dialog.returnValue = '';
    return new Promise((resolve) => {
      const finish = () => {
        const typed = this.input.value;
        this.write(NOTHING);
        resolve(this.dialog.returnValue === 'yes' ? typed : null);
      };
      this.dialog.addEventListener('close', finish, { once: true });
      this.dialog.showModal();
      if (asked.field) this.input.focus();
    });
  }

  close(): void {
    if (this.dialog.open) this.dialog.close();
  }

  private write(asked: Asked): void {
    const { title, text, yes, field } = (this.asked = asked);
    setText(byId('question-title'), title);
    setText(byId('question-text'), text);
    setText(this.yes, yes);
    byId('question-asked').hidden = field === undefined;
    setText(byId('question-label'), field?.label ?? '');
    this.input.type = field?.type ?? 'text';
    this.input.autocomplete = field?.type === 'password' ? 'current-password' : 'off';
    this.input.value = field?.value ?? '';
    this.judge();
  }

  private judge(): void {
    this.yes.disabled = this.asked.field?.isGood(this.input.value.trim()) === false;
  }
}
