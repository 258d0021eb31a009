import type { AuthClient, RegisterInput } from 'nestjs-silent-auth-client';
import { CredentialsForm } from '../credentials-form.js';
import { byId, setText } from '../dom.js';

/** Sessions of this `appId` have short lives; see `config.ts` of the service. */
const APP = { appId: 'silent-auth-demo' };
/** Where addresses are verified: the answer is the same whether there was an account before or not. */
const VERIFY_FIRST = 'A message is on its way to that address. Open its link, then sign in.';

/** The form, and the button that spares it. */
export function wireSignIn(auth: AuthClient): void {
  const register = async (input: RegisterInput): Promise<void> => {
    const isBegun = (await auth.register(input)) !== null;
    setText(byId('form-note'), isBegun ? '' : VERIFY_FIRST);
  };
  const form = new CredentialsForm((credentials, action) => {
    const input = { ...credentials, ...APP };
    setText(byId('form-note'), '');
    return action === 'register' ? register(input) : auth.login(input);
  });
  byId('throwaway').addEventListener('click', () => {
    const id = crypto.getRandomValues(new Uint32Array(1)).join('');
    const input = { email: `visitor-${id}@example.com`, password: randomPassword(), ...APP };
    void form.attempt(() => register(input));
  });
}

function randomPassword(): string {
  return [...crypto.getRandomValues(new Uint8Array(18))].map((byte) => byte.toString(36)).join('');
}
