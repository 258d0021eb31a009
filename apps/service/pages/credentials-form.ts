import { AuthClientError } from 'nestjs-silent-auth-client';
import { byId, setText } from './dom.js';
import { fieldProblem } from './post.js';

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** The form `#credentials`: asks for what is missing, and says what went wrong. */
export class CredentialsForm {
  private readonly email = byId<HTMLInputElement>('email');
  private readonly password = byId<HTMLInputElement>('password');
  private readonly error = byId('form-error');

  /** @param send what to do with them; `action` is the value of the button that was pressed */
  constructor(send: (credentials: Credentials, action: string) => Promise<unknown>) {
    byId<HTMLFormElement>('credentials').addEventListener('submit', (event) => {
      event.preventDefault();
      const { email, password } = this;
      const empty = [email, password].find(({ value }) => value.trim() === '');
      if (empty) {
        this.show(`Give your ${empty === email ? 'e-mail address' : 'password'}.`);
        empty.focus();
        return;
      }
      const action = (event.submitter as HTMLButtonElement | null)?.value ?? '';
      void this.attempt(() => send({ email: email.value, password: password.value }, action));
    });
    // The address goes along behind the `#`, which is sent to no server.
    byId<HTMLAnchorElement>('forgot').addEventListener('click', ({ currentTarget }) => {
      const email = this.email.value.trim();
      (currentTarget as HTMLAnchorElement).hash = email && `email=${encodeURIComponent(email)}`;
    });
  }

  show(problem: string): void {
    setText(this.error, problem);
  }

  /** One attempt at a time: no button of the card can be pressed until it ends. */
  async attempt(work: () => Promise<unknown>): Promise<void> {
    const buttons = document.querySelectorAll<HTMLButtonElement>('.sign-in button');
    for (const button of buttons) button.disabled = true;
    this.show('');
    try {
      await work();
      this.password.value = '';
    } catch (reason) {
      this.show(explain(reason));
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
}

function explain(reason: unknown): string {
  if (!(reason instanceof AuthClientError)) return 'Something went wrong. Try again.';
  const details = reason.details?.map(({ field, message }) => fieldProblem(field, message)).join(' ');
  return details || reason.message;
}
