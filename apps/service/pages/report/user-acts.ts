import type { Asked } from './question.js';
import type { Standing } from './standing.js';
import type { UserSource } from './user-source.js';

/** Whom it is done to. */
export interface Named {
  readonly name: string;
  /** Whether he is the administrator himself. */
  readonly isSelf: boolean;
}

/** What can be done to a user. */
export interface Act {
  /** The id of its button. */
  readonly button: string;
  /** Asked before; null for what takes nothing away. */
  readonly question: ((user: Named) => Asked) | null;
  readonly order: (source: UserSource, user: Named) => Promise<void>;
  /** Said when it is done. */
  readonly done: (name: string) => string;
  /** The type of event that tells of it. */
  readonly event: string;
  /** How it leaves the user; null: as he was. */
  readonly standing: Standing | null;
}

export const ACTS: readonly Act[] = [
  {
    button: 'end-sessions',
    question: ({ name, isSelf }) => ({
      title: `End all sessions of ${name}?`,
      text: isSelf
        ? 'These are your own sessions: you are signed out everywhere, here too.'
        : 'Whoever is signed in as this user is signed out on every device, the thief and the owner alike. Who knows the password can log in again.',
      yes: 'End all sessions',
    }),
    order: (source) => source.endSessions(),
    done: (name) =>
      `All sessions of ${name} have ended. Their access tokens are refused in every process, within a second or so.`,
    event: 'user.logged_out',
    standing: null,
  },
  {
    button: 'disable',
    question: ({ name }) => ({
      title: `Disable ${name}?`,
      text: 'All sessions end, and no login succeeds, not even with the right password, until an administrator enables the user again. Nothing is deleted.',
      yes: 'Disable the user',
    }),
    order: (source, { isSelf }) => source.disable(isSelf),
    done: (name) => `Disabled: ${name}. All sessions have ended, and no login succeeds.`,
    event: 'user.disabled',
    standing: 'disabled',
  },
  {
    button: 'enable',
    question: null,
    order: (source) => source.enable(),
    done: (name) => `Enabled: ${name}. A login succeeds again.`,
    event: 'user.enabled',
    standing: 'enabled',
  },
];
