import { byId, setText } from '../dom.js';
import { post, Refusal } from '../post.js';
import { showSection, takeFragment } from '../sections.js';
import { SendingForm } from '../sending-form.js';

/** Here and nowhere else. */
let token: string | null = null;

// Not before somebody presses it: programs that look at mail open links, too.
const verifying = new SendingForm(byId('verify-form'), { send: verify });
// Another link, opened where this page is open already.
addEventListener('hashchange', begin);
begin();

function begin(): void {
  token = takeFragment().get('token');
  verifying.reset();
  showSection(token ? 'verify' : 'none');
}

async function verify(): Promise<void> {
  try {
    await post('auth/verify-email', { token });
    token = null;
    showSection('done');
  } catch (reason) {
    const isDead =
      reason instanceof Refusal && (reason.code === 'ACTION_TOKEN_INVALID' || reason.field === 'token');
    if (!isDead) throw reason;
    token = null;
    setText(byId('none-title'), 'This link does not work any more');
    setText(
      byId('none-text'),
      'It was used, or it is older than a day. If you used it yourself, your address is verified, and you can sign in.',
    );
    showSection('none');
  }
}
