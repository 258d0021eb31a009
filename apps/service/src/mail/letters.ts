import Bowser from 'bowser';
import type { MailMessage, SuspicionCause } from 'nestjs-silent-auth';
import type { Letter } from './letter.js';

type Mail<Kind extends MailMessage['kind']> = Extract<MailMessage, { kind: Kind }>;
type Writers = {
  readonly [Kind in MailMessage['kind']]: (message: Mail<Kind>, appUrl: string) => LetterBody;
};
type LetterBody = Omit<Letter, 'greeting' | 'link'> & Partial<Pick<Letter, 'link'>>;

/** What happened in words for its owner. */
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
    facts: [...circumstances(message), ...named('Device', message.device.deviceName)],
    advice: [
      'If this was you, there is nothing to do.',
      'If it was not: someone knows your password. Sign in, change it, and end the sessions that you do not know.',
    ],
  }),
  suspicious_activity: (message) => ({
    ...CAUSES[message.cause],
    facts: circumstances(message),
    advice: [ENDED[message.ended], ...CAUSES[message.cause].advice].filter((text) => text !== ''),
  }),
  password_changed: (message) => ({
    subject: 'Your password was changed',
    paragraphs: ['The password of your account was changed. Every session that was open before has ended.'],
    facts: circumstances(message),
    advice: [
      'If this was you, there is nothing to do.',
      'If it was not: someone has taken your account over. Set a new password at once, by “forgot password”.',
    ],
  }),
  password_reset: ({ token, ...message }, appUrl) => ({
    subject: 'Set a new password',
    paragraphs: [
      'Somebody asked for a new password for your account. With the link below you can set one, once, within ten minutes.',
    ],
    facts: circumstances(message),
    advice: [
      'If this was not you, there is nothing to do: without the link nothing changes. Give it to nobody.',
    ],
    link: { label: 'Set a new password', url: linkTo('reset-password', token, appUrl) },
  }),
  email_verification: ({ token, ...message }, appUrl) => ({
    subject: 'Verify your e-mail address',
    paragraphs: [
      'Somebody, you most likely, made an account with this address. With the link below you say that it is yours; it is good for a day.',
    ],
    facts: circumstances(message),
    advice: [
      'If this was not you, do not open it: without it nobody gets into an account with your address.',
      'If you opened it by mistake, set a new password for the account: whoever made it knows the present one.',
    ],
    link: { label: 'Verify the address', url: linkTo('verify-email', token, appUrl) },
  }),
  email_change: ({ token, ...message }, appUrl) => ({
    subject: 'Confirm your new e-mail address',
    paragraphs: [
      'Somebody, you most likely, wants to use this address for their account. The link below confirms it; it is good for a day.',
    ],
    facts: circumstances(message),
    advice: ['If this was not you, do not open it: nothing changes then.'],
    link: { label: 'Confirm the address', url: linkTo('verify-email', token, appUrl) },
  }),
  email_change_requested: (message) => ({
    subject: 'Your e-mail address is about to change',
    paragraphs: [
      'Somebody, you most likely, asked for another e-mail address for your account. It changes once they open a link that went to the new one.',
    ],
    facts: circumstances(message),
    advice: ['If this was not you, change your password now: the link is worth nothing after that.'],
  }),
  email_taken: (message) => ({
    subject: 'You have an account already',
    paragraphs: ['Somebody wanted to use this address for an account, and it has one. Nothing has changed.'],
    facts: circumstances(message),
    advice: [
      'If this was you: sign in, or ask for a new password if you forgot yours.',
      'If it was not, there is nothing to do.',
    ],
  }),
};

const CAUSES: Record<SuspicionCause, Pick<Letter, 'subject' | 'paragraphs' | 'advice'>> = {
  token_reused: {
    subject: 'A session of yours may have been copied',
    paragraphs: [
      'A key to a session of yours was used a second time, after it had been replaced. That is what it looks like when somebody copied it from a device or a network of yours. Now and then a browser that was restored from a backup does the same.',
    ],
    advice: [
      'If you did not restore anything: change your password, and look for strange software on your device.',
    ],
  },
  other_browser: {
    subject: 'A session of yours was used from another browser',
    paragraphs: [
      'Somebody tried to go on with a session of yours from another browser than the one it began in.',
    ],
    advice: ['If this was not you: change your password, and look for strange software on your device.'],
  },
  unusual_activity: {
    subject: 'Unusual activity in your account',
    paragraphs: ['Your account was used in an unusual way.'],
    advice: [
      'If this was you, there is nothing to do.',
      'If it was not: change your password, and end the sessions that you do not know.',
    ],
  },
  password_guessed: {
    subject: 'Someone tries passwords for your account',
    paragraphs: [
      'Wrong passwords were tried for your account, so many that we refuse more of them for a while. They were wrong: nobody got in by them.',
    ],
    advice: [
      'If this was you, wait for a quarter of an hour and try again.',
      'If it was not, there is nothing to do as long as your password is a long one that you use nowhere else.',
    ],
  },
};

const ENDED = {
  nothing: '',
  session: 'We have ended that session, so that it is of no use to anybody. Sign in again.',
  all_sessions: 'We have ended all your sessions, so that they are of no use to anybody. Sign in again.',
};

/** Behind the `#`: no server and no other site gets it, in logs or as a referrer. */
function linkTo(page: string, token: string, appUrl: string): string {
  const url = new URL(page, appUrl.endsWith('/') ? appUrl : `${appUrl}/`);
  url.hash = `token=${token}`;
  return url.href;
}

function circumstances({ at, source }: Pick<MailMessage, 'at' | 'source'>) {
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

/** Only names: the whole of a user agent is a stranger's to write, links included. */
function browserOf(userAgent: string | null): string {
  if (!userAgent) return 'an unknown program';
  const { browser, os } = Bowser.parse(userAgent.slice(0, 256));
  const [program, platform] = [browser.name, os.name].map((name) => shown(name ?? null));
  return `${program ?? 'an unknown program'}${platform ? ` on ${platform}` : ''}`;
}

const MAX_SHOWN = 60;
/** Mail programs make links of what has a dot, a slash or a colon in it. */
const LINK_LIKE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>@:/\\]|\S[.\u3002]\S|www/iu;

/** Text that somebody typed, only if it is a plain name: otherwise a stranger could send links to other people. */
function shown(text: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  // As a resolver reads it: a dot of full width is a dot.
  const isLinkLike = LINK_LIKE.test(trimmed.normalize('NFKC'));
  return trimmed === '' || trimmed.length > MAX_SHOWN || isLinkLike ? null : trimmed;
}
