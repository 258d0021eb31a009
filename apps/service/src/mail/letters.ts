import Bowser from 'bowser';
import type { MailMessage, SuspicionCause } from 'nestjs-silent-auth';
import type { Letter } from './letter.js';

type Mail<Kind extends MailMessage['kind']> = Extract<MailMessage, { kind: Kind }>;
type Writers = {
  readonly [Kind in MailMessage['kind']]: (message: Mail<Kind>, appUrl: string) => LetterBody;
};
type LetterBody = Omit<Letter, 'greeting' | 'link'> & Partial<Pick<Letter, 'link'>>;

/** The mail that explains an event to the owner of the account. */
export function letterOf(message: MailMessage, appUrl: string): Letter {
  const write = WRITERS[message.kind] as (message: MailMessage, appUrl: string) => LetterBody;
  const name = shown(message.name);
  return {
    greeting: name === null ? 'Hello,' : `Hello ${name},`,
    link: { label: 'Your account', url: appUrl },
    ...write(message, appUrl),
  };
}

const WRITERS: Writers = {
  new_device: (message) => ({
    subject: 'New sign-in to your account',
    paragraphs: ['Someone signed in to your account on a device or in a place where it was not used before.'],
    facts: [...contextOf(message), ...named('Device', message.device.deviceName)],
    advice: [
      'If this was you, there is nothing to do.',
      'If it was not: someone knows your password. Sign in, change it, and end the sessions that you do not recognise.',
    ],
  }),
  suspicious_activity: (message) => ({
    ...CAUSES[message.cause],
    facts: contextOf(message),
    advice: [ENDED[message.ended], ...CAUSES[message.cause].advice].filter((text) => text !== ''),
  }),
  password_changed: (message) => ({
    subject: 'Your password was changed',
    paragraphs: ['The password of your account was changed. Every session that was open before has ended.'],
    facts: contextOf(message),
    advice: [
      'If this was you, there is nothing to do.',
      'If it was not: someone has taken your account over. Use “Forgot password” to set a new one now.',
    ],
  }),
  password_reset: ({ token, ...message }, appUrl) => ({
    subject: 'Set a new password',
    paragraphs: [
      'Somebody asked for a new password for your account. Use the link below within ten minutes to set a new password. It works once.',
    ],
    facts: contextOf(message),
    advice: [
      'If this was not you, there is nothing to do: without the link nothing changes. Do not share it.',
    ],
    link: { label: 'Set a new password', url: linkTo('reset-password', token, appUrl) },
  }),
  email_verification: ({ token, ...message }, appUrl) => ({
    subject: 'Verify your e-mail address',
    paragraphs: [
      'Somebody, most likely you, created an account with this address. The link below confirms that the address is yours; it is valid for a day.',
    ],
    facts: contextOf(message),
    advice: [
      'If this was not you, do not open it: without it nobody gets into an account with your address.',
      'If you opened it by mistake, set a new password for the account: the person who created it knows the current one.',
    ],
    link: { label: 'Verify the address', url: linkTo('verify-email', token, appUrl) },
  }),
  email_change: ({ token, ...message }, appUrl) => ({
    subject: 'Confirm your new e-mail address',
    paragraphs: [
      'Somebody, most likely you, wants to use this address for their account. The link below confirms it; it is valid for a day.',
    ],
    facts: contextOf(message),
    advice: ['If this was not you, do not open it; then nothing changes.'],
    link: { label: 'Confirm the address', url: linkTo('verify-email', token, appUrl) },
  }),
  email_change_requested: (message) => ({
    subject: 'Your e-mail address is about to change',
    paragraphs: [
      'Somebody, most likely you, asked for another e-mail address for your account. It changes once they open a link that was sent to the new one.',
    ],
    facts: contextOf(message),
    advice: ['If this was not you, change your password now: the link stops working after that.'],
  }),
  email_taken: (message) => ({
    subject: 'You have an account already',
    paragraphs: [
      'Somebody tried to create an account with this address, which has one already. Nothing has changed.',
    ],
    facts: contextOf(message),
    advice: [
      'If this was you: sign in, or set a new password if you forgot yours.',
      'If it was not, there is nothing to do.',
    ],
  }),
};

const CAUSES: Record<SuspicionCause, Pick<Letter, 'subject' | 'paragraphs' | 'advice'>> = {
  token_reused: {
    subject: 'A session of yours may have been copied',
    paragraphs: [
      'A key to one of your sessions was used again after it had been replaced. This happens when somebody copies it from your device or network. Sometimes a browser that was restored from a backup causes it, too.',
    ],
    advice: [
      'If you did not restore anything: change your password, and check your device for software that you do not know.',
    ],
  },
  other_browser: {
    subject: 'A session of yours was used from another browser',
    paragraphs: [
      'Somebody tried to continue one of your sessions from another browser than the one it began in.',
    ],
    advice: [
      'If this was not you: change your password, and check your device for software that you do not know.',
    ],
  },
  unusual_activity: {
    subject: 'Unusual activity in your account',
    paragraphs: ['Your account was used in an unusual way.'],
    advice: [
      'If this was you, there is nothing to do.',
      'If it was not: change your password, and end the sessions that you do not recognise.',
    ],
  },
  password_guessed: {
    subject: 'Someone is guessing your password',
    paragraphs: [
      'Somebody tried so many wrong passwords for your account that we refuse further attempts for a while. All of them were wrong: nobody got in with them.',
    ],
    advice: [
      'If this was you, wait for a quarter of an hour and try again.',
      'If it was not, there is nothing to do if your password is long and you use it nowhere else.',
    ],
  },
};

const ENDED = {
  nothing: '',
  session: 'We have ended that session, so nobody can use it any more. Sign in again.',
  all_sessions: 'We have ended all your sessions, so nobody can use them any more. Sign in again.',
};

/** The token is behind the `#`, so that it appears in no server log and no referrer. */
function linkTo(page: string, token: string, appUrl: string): string {
  const url = new URL(page, appUrl.endsWith('/') ? appUrl : `${appUrl}/`);
  url.hash = `token=${token}`;
  return url.href;
}

function contextOf({ at, source }: Pick<MailMessage, 'at' | 'source'>) {
  return [
    ['When', at.toUTCString()],
    ['From', source.ip === '' ? 'an unknown address' : source.ip],
    ['With', browserOf(source.userAgent)],
  ] as const;
}

function named(label: string, value: string | null) {
  const text = shown(value);
  return text === null ? [] : ([[label, text]] as const);
}

/** Only known names: a client controls the whole user agent, and could put links into it. */
function browserOf(userAgent: string | null): string {
  if (!userAgent) return 'an unknown program';
  const { browser, os } = Bowser.parse(userAgent.slice(0, 256));
  const [program, platform] = [browser.name, os.name].map((name) => shown(name ?? null));
  return `${program ?? 'an unknown program'}${platform ? ` on ${platform}` : ''}`;
}

const MAX_SHOWN = 60;
/** Mail programs turn text with a dot, a slash or a colon into links. */
const LINK_LIKE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>@:/\\]|\S[.\u3002]\S|www/iu;

/** Typed text, only if it is a plain name: otherwise anyone could mail links to other people. */
function shown(text: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  // Normalized as a resolver does it: a full-width dot is a dot.
  const isLinkLike = LINK_LIKE.test(trimmed.normalize('NFKC'));
  return trimmed === '' || trimmed.length > MAX_SHOWN || isLinkLike ? null : trimmed;
}
