import { byId, setText } from '../dom.js';
import { post, Refusal } from '../post.js';
import { showSection, takeFragment } from '../sections.js';
import { SendingForm } from '../sending-form.js';

const DEAD = [
  'This link does not work any more',
  'It was used, it is older than ten minutes, or your password or address was changed since. Give the address of your account for a new one.',
] as const;
/** The answer to an attempt was lost, and the next one finds the link used up. */
const LIKELY_DONE = [
  'The password may be set already',
  'The link is used up, most likely by your attempt before, whose answer never arrived. Try to sign in with the new password. If that fails, give the address of your account for another link.',
] as const;

const password = byId<HTMLInputElement>('new-password');
const email = byId<HTMLInputElement>('email');

/** Here and nowhere else. */
let token: string | null = null;
let isUncertain = false;

const choosing = new SendingForm(byId('choose-form'), {
  check: (typed) => (typed === '' ? 'Give a new password.' : null),
  send: setPassword,
});
const asking = new SendingForm(byId('ask-form'), {
  check: (typed) => (/\S@\S/.test(typed) ? null : 'Give the e-mail address of your account.'),
  send: askForLink,
});
byId<HTMLInputElement>('show-password').addEventListener('change', ({ target }) => {
  password.type = (target as HTMLInputElement).checked ? 'text' : 'password';
});
byId('again').addEventListener('click', () => showSection('ask'));
// Another link, opened where this page is open already.
addEventListener('hashchange', begin);
begin();

function begin(): void {
  const fragment = takeFragment();
  token = fragment.get('token');
  isUncertain = false;
  email.value = fragment.get('email') ?? email.value;
  choosing.reset();
  asking.reset();
  showSection(token ? 'choose' : 'ask');
}

async function setPassword(newPassword: string): Promise<void> {
  try {
    await post('auth/reset-password', { token, newPassword });
    token = null;
    showSection('done');
  } catch (reason) {
    if (!(reason instanceof Refusal)) throw reason;
    const isDead =
      reason.code === 'ACTION_TOKEN_INVALID' || reason.code === 'NOT_FOUND' || reason.field === 'token';
    isUncertain ||= reason.isUncertain;
    if (!isDead) throw reason;
    token = null;
    explainAbove(reason);
  }
}

async function askForLink(address: string): Promise<void> {
  try {
    await post('auth/forgot-password', { email: address });
    setText(byId('sent-to'), address.trim());
    showSection('sent');
  } catch (reason) {
    if (!(reason instanceof Refusal) || reason.code !== 'NOT_FOUND') throw reason;
    explainAbove(reason);
  }
}

/** What went wrong, above the form that asks for another link. */
function explainAbove({ code }: Refusal): void {
  if (code === 'NOT_FOUND') document.body.dataset['mail'] = 'none';
  else {
    const [title, text] = isUncertain ? LIKELY_DONE : DEAD;
    setText(byId('ask-title'), title);
    setText(byId('ask-text'), text);
    byId('ask-mark').classList.add('warn');
  }
  showSection('ask');
}
