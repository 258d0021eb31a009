// Runs in the browser. A bundler includes it in your page.
import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { createAuthClient } from 'nestjs-silent-auth-client';

export const auth = createAuthClient({ baseUrl: '/auth' });

/** For a signed-in user. */
export async function addPasskey(): Promise<void> {
  const optionsJSON = await answerOf(await auth.fetch('/passkeys/options', { method: 'POST' }));
  const response = await startRegistration({ optionsJSON });
  await answerOf(await auth.fetch('/passkeys', asJson({ response })));
}

/** The browser offers its passkeys for this site; the user types no address. */
export async function signInWithPasskey(): Promise<void> {
  const optionsJSON = await answerOf(await fetch('/login/passkey/options', { method: 'POST' }));
  const response = await startAuthentication({ optionsJSON });
  await answerOf(await fetch('/login/passkey', asJson({ response })));
  // The cookies are set; this fetches the access token.
  await auth.restore();
}

const asJson = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

async function answerOf(answer: Response) {
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.code);
  return body;
}
