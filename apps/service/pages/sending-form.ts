import { setText } from './dom.js';
import { Refusal } from './post.js';

interface Orders {
  /** What is wrong with what was typed, for the reader; null: nothing that the page could know. */
  readonly check?: (typed: string) => string | null;
  /** @throws Refusal */
  readonly send: (typed: string) => Promise<void>;
}

/** A form of one field or none and one button. It sends once at a time, says what went wrong, and can be sent again. */
export class SendingForm {
  private readonly input: HTMLInputElement | null;
  private readonly error: HTMLElement;
  private isSending = false;

  constructor(
    private readonly form: HTMLElement,
    private readonly orders: Orders,
  ) {
    this.input = form.querySelector('input[required]');
    this.error = form.querySelector('.error') as HTMLElement;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.attempt();
    });
  }

  /** As it was before anybody typed. */
  reset(): void {
    this.say('', false);
  }

  private async attempt(): Promise<void> {
    // The button stays as it is: a disabled one would lose the focus.
    if (this.isSending) return;
    const typed = this.input?.value ?? '';
    const problem = this.orders.check?.(typed) ?? null;
    this.say(problem ?? '', problem !== null);
    if (problem !== null) return;
    this.isSending = true;
    this.form.ariaBusy = 'true';
    try {
      await this.orders.send(typed);
      if (this.input) this.input.value = '';
    } catch (reason) {
      if (reason instanceof Refusal) this.say(reason.message, isAboutTyped(reason));
      else this.say('Something went wrong. Try again.', false);
    } finally {
      this.isSending = false;
      this.form.ariaBusy = 'false';
    }
  }

  private say(problem: string, isAboutInput: boolean): void {
    setText(this.error, problem);
    if (!this.input) return;
    this.input.ariaInvalid = String(isAboutInput);
    if (isAboutInput) this.input.focus();
  }
}

const isAboutTyped = ({ code }: Refusal): boolean => code === 'WEAK_PASSWORD' || code === 'VALIDATION_FAILED';
