import type { Asked } from './question.js';
import { rolesOf } from './typed.js';
import type { ActingToken, UserSource } from './user-source.js';

/** The user that an order is for. */
export interface Named {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** Whether the administrator who reads the page is this user. */
  readonly isSelf: boolean;
}

/** What can be done to a user. */
export interface Act {
  /** The id of its button. */
  readonly button: string;
  /** Asked before. */
  readonly question: (user: Named) => Asked;
  /** @param typed into the field of the question */
  readonly order: (source: UserSource, user: Named, typed: string) => Promise<ActingToken | void>;
  /** Said when it is done. */
  readonly done: (name: string, typed: string) => string;
  /** The type of event that is in the log then. */
  readonly event: string;
  /** Whether there is no user any more. */
  readonly isLast?: boolean;
}

const MAX_REASON = 500;

export const ACTS: readonly Act[] = [
  {
    button: 'end-sessions',
    question: ({ name, isSelf }) => ({
      title: `End all sessions of ${name}?`,
      text: isSelf
        ? 'These are your own sessions: you are signed out everywhere, here too.'
        : 'This user is signed out on every device, and so is a thief. Everyone who knows the password can sign in again.',
      yes: 'End all sessions',
    }),
    order: (source) => source.endSessions(),
    done: (name) =>
      `All sessions of ${name} have ended. Their access tokens are refused in every process, within a second or so.`,
    event: 'user.logged_out',
  },
  {
    button: 'disable',
    question: ({ name }) => ({
      title: `Disable ${name}?`,
      text: 'All sessions end, and nobody can sign in as this user, not even with the right password, until an administrator enables the user again. Nothing is deleted.',
      yes: 'Disable the user',
    }),
    order: (source, { isSelf }) => source.disable(isSelf),
    done: (name) => `Disabled: ${name}. All sessions have ended, and nobody can sign in as this user.`,
    event: 'user.disabled',
  },
  {
    button: 'enable',
    question: ({ name }) => ({
      title: `Enable ${name}?`,
      text: 'The user can sign in again. Sessions that ended stay ended.',
      yes: 'Enable the user',
    }),
    order: (source) => source.enable(),
    done: (name) => `Enabled: ${name}. The user can sign in again.`,
    event: 'user.enabled',
  },
  {
    button: 'unlock',
    question: ({ name }) => ({
      title: `Unlock ${name}?`,
      text: 'The count of wrong passwords starts again, so the user can try at once. So can an attacker who guesses passwords.',
      yes: 'Unlock the user',
    }),
    order: (source) => source.unlock(),
    done: (name) => `Unlocked: ${name}. The user can try to sign in again at once.`,
    event: 'user.unlocked',
  },
  {
    button: 'set-roles',
    question: ({ name, roles }) => ({
      title: `Set the roles of ${name}`,
      text: 'These replace the present roles. The user stays signed in, with the new roles from now on. The role admin opens this page and everything on it.',
      yes: 'Set the roles',
      field: { label: 'Roles, between them commas', value: roles.join(', '), isGood: () => true },
    }),
    order: (source, _, typed) => source.setRoles(rolesOf(typed)),
    done: (name, typed) => `Roles of ${name}: ${rolesOf(typed).join(', ') || 'none'}.`,
    event: 'user.roles_changed',
  },
  {
    button: 'impersonate',
    question: ({ name }) => ({
      title: `Act as ${name}?`,
      text: 'You get an access token of this user for fifteen minutes at most. It names you, and your reason is in the audit log.',
      yes: 'Get the token',
      field: {
        label: 'Reason',
        isGood: (typed) => typed.length > 0 && typed.length <= MAX_REASON,
      },
    }),
    order: (source, _, typed) => source.impersonate(typed.trim()),
    done: (name) => `You can act as ${name}: the access token is below.`,
    event: 'user.impersonated',
  },
  {
    button: 'forget',
    question: ({ name }) => ({
      title: `Forget ${name} for good?`,
      text: 'The account, its sessions, and what the audit log knows of the user are deleted. This cannot be undone.',
      yes: 'Forget the user',
      field: { label: `Type ${name} to confirm`, isGood: (typed) => typed === name },
    }),
    order: (source) => source.forget(),
    done: (name) => `Forgotten: ${name}. The account and its sessions are gone.`,
    event: 'user.deleted',
    isLast: true,
  },
];
