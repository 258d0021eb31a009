import { byId, setText } from '../dom.js';

export interface Asked {
  readonly title: string;
  /** What will happen. */
  readonly text: string;
  /** On the button that makes it happen. */
  readonly yes: string;
}

/** Asks before what cannot be taken back. Escape, and whatever else closes it, is a no. */
export class QuestionDialog {
  private readonly dialog = byId<HTMLDialogElement>('question');
  private readonly yes = byId<HTMLButtonElement>('question-yes');

  constructor() {
    this.yes.addEventListener('click', () => this.dialog.close('yes'));
    byId('question-no').addEventListener('click', () => this.dialog.close());
  }

  /** The focus begins on the no, and goes back to where it was. */
  ask(asked: Asked): Promise<boolean> {
    this.write(asked);
    this.dialog.returnValue = '';
    return new Promise((resolve) => {
      const finish = () => {
        this.write({ title: '', text: '', yes: '' });
        resolve(this.dialog.returnValue === 'yes');
      };
      this.dialog.addEventListener('close', finish, { once: true });
      this.dialog.showModal();
    });
  }

  close(): void {
    if (this.dialog.open) this.dialog.close();
  }

  private write({ title, text, yes }: Asked): void {
    setText(byId('question-title'), title);
    setText(byId('question-text'), text);
    setText(this.yes, yes);
  }
}
