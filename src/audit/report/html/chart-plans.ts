import type { AuthEventName } from '../../../core/events.js';
import type { DrawnChart } from './drawn-chart.js';

/** One chart of the page, and what stands in its place where there is nothing to draw. */
export interface ChartPlan {
  readonly id: string;
  readonly kind: DrawnChart['kind'];
  readonly title: string;
  readonly explanation: string;
  readonly nothing: string;
  readonly series: readonly {
    /** Names its colour in the style. */
    readonly tone: string;
    readonly type: AuthEventName;
  }[];
}

/** What must be seen, however little of it there is. */
export const ALARMING: readonly ChartPlan[] = [
  {
    id: 'findings',
    kind: 'bars',
    title: 'Findings',
    explanation: 'What looked like somebody else with a user’s token.',
    nothing: 'Nothing was found.',
    series: [
      { tone: 'theft', type: 'refresh_token.reuse_detected' },
      { tone: 'odd', type: 'activity.suspected' },
      { tone: 'foreign', type: 'fingerprint.mismatched' },
    ],
  },
  {
    id: 'failures',
    kind: 'bars',
    title: 'Failed logins',
    explanation: 'Wrong passwords, and attempts that were refused before a password was looked at.',
    nothing: 'No login failed.',
    series: [
      { tone: 'failed', type: 'login.failed' },
      { tone: 'locked', type: 'login.locked' },
    ],
  },
];

/** An ordinary day. */
export const EVERYDAY: readonly ChartPlan[] = [
  {
    id: 'users',
    kind: 'lines',
    title: 'Comings and goings',
    explanation: 'Logins, registrations and logouts.',
    nothing: 'Nobody logged in or out.',
    series: [
      { tone: 'usual', type: 'user.logged_in' },
      { tone: 'good', type: 'user.registered' },
      { tone: 'aside', type: 'user.logged_out' },
    ],
  },
  {
    id: 'refreshes',
    kind: 'lines',
    title: 'Refreshes',
    explanation: 'Sessions that went on by themselves.',
    nothing: 'No session was refreshed.',
    series: [{ tone: 'usual', type: 'refresh_token.rotated' }],
  },
  {
    id: 'forgiven',
    kind: 'bars',
    title: 'Races and lost answers',
    explanation:
      'Earlier refresh tokens that were answered: of tabs, of retries, of clients that lost an answer.',
    nothing: 'No tabs raced for a token, and no answer was lost on its way.',
    series: [
      { tone: 'good', type: 'refresh_token.replayed' },
      { tone: 'recovered', type: 'refresh_token.recovered' },
    ],
  },
  {
    id: 'ended',
    kind: 'bars',
    title: 'Sessions that ended',
    explanation: 'Ended before their time, and refreshes that came too late for theirs.',
    nothing: 'No session was ended, and no refresh was refused.',
    series: [
      { tone: 'usual', type: 'session.revoked' },
      { tone: 'aside', type: 'refresh_token.refused' },
    ],
  },
];
