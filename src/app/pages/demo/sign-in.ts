import type { AuthClient } from '../../../client/index.js';
import { CredentialsForm } from '../credentials-form.js';
import { byId } from '../dom.js';

/** Sessions of this `appId` have short lives; see demo-settings.ts. */
const APP = { appId: 'silent-auth-demo' };

/** The form, and the button that spares it. */
export function wireSignIn(auth: AuthClient): void {
  const form = new CredentialsForm((credentials, action) => {
    const input = { ...credentials, ...APP };
    return action === 'register' ? auth.register(input) : auth.login(input);
  });
  byId('throwaway').addEventListener('click', () => {
    const id = crypto.getRandomValues(new Uint32Array(1)).join('');
    const input = { email: `visitor-${id}@example.com`, password: randomPassword(), ...APP };
    void form.attempt(() => auth.register(input));
  });
}

function randomPassword(): string {
  return [...crypto.getRandomValues(new Uint8Array(18))].map((byte) => byte.toString(36)).join('');
}
