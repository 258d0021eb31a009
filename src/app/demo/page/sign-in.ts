import { type AuthClient, AuthClientError } from '../../../client/index.js';
import { byId, setText } from './dom.js';

/** Sessions of this `appId` have short lives; see demo-settings.ts. */
const APP = { appId: 'silent-auth-demo' };

/** The form, and the button that spares it. */
export function wireSignIn(auth: AuthClient): void {
  const form = byId<HTMLFormElement>('credentials');
  const [email, password] = ['email', 'password'].map((id) => byId<HTMLInputElement>(id)) as [
    HTMLInputElement,
    HTMLInputElement,
  ];
  const error = byId('form-error');

  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    const buttons = document.querySelectorAll<HTMLButtonElement>('.sign-in button');
    for (const button of buttons) button.disabled = true;
    setText(error, '');
    try {
      await work();
      password.value = '';
    } catch (reason) {
      setText(error, explain(reason));
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const empty = [email, password].find(({ value }) => value.trim() === '');
    if (empty) {
      setText(error, `Give your ${empty === email ? 'e-mail address' : 'password'}.`);
      empty.focus();
      return;
    }
    const input = { email: email.value, password: password.value, ...APP };
    const isNew = (event.submitter as HTMLButtonElement | null)?.value === 'register';
    void attempt(() => (isNew ? auth.register(input) : auth.login(input)));
  });
  byId('throwaway').addEventListener('click', () => {
    const id = crypto.getRandomValues(new Uint32Array(1)).join('');
    const input = { email: `visitor-${id}@example.com`, password: randomPassword(), ...APP };
    void attempt(() => auth.register(input));
  });
}

function randomPassword(): string {
  return [...crypto.getRandomValues(new Uint8Array(18))].map((byte) => byte.toString(36)).join('');
}

function explain(reason: unknown): string {
  if (!(reason instanceof AuthClientError)) return 'Something went wrong. Try again.';
  const details = reason.details?.map(({ field, message }) => `${field} ${message}`).join('; ');
  return details ? `${reason.message} ${details}.` : reason.message;
}
