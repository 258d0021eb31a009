import { DAY, HOUR, MINUTE, SECOND } from './timeline.js';

/** What all populations share; our assumptions where the design gives no number. */
export const COMMON = {
  graceMs: 10 * SECOND,
  idleTtlMs: 7 * DAY,
  accessTtlMs: 15 * MINUTE,
  /** A tab refreshes this long before its access token expires. */
  refreshAheadMs: MINUTE,
  /** A client aborts a request after half the grace period. */
  timeoutMs: 5 * SECOND,
  sittingsADay: 3,
  sittingMs: [10 * MINUTE, 90 * MINUTE],
  /** Average time between page loads, each of which refreshes. */
  pageLoadMs: 6 * MINUTE,
  /** All tabs of a sitting open within this time. */
  openingMs: 2 * SECOND,
  latencyMs: [20, 150],
  slowMs: [1 * SECOND, 8 * SECOND],
  sleepMs: [30 * MINUTE, 14 * HOUR],
  weekendMs: 58 * HOUR,
  crashLosesMs: 30 * SECOND,
  frozenMs: [15 * SECOND, 300 * SECOND],
  lateMs: [30 * SECOND, 300 * SECOND],
  retryMs: [1, 2, 4, 8, 16, 30].map((seconds) => seconds * SECOND),
  contestedRetryMs: 3 * SECOND,
  /** Wait after a 503. */
  busyRetryMs: 2 * SECOND,
} as const;

export interface Population {
  readonly name: string;
  readonly tabs: readonly [number, number];
  /** Web Locks: one refresh at a time. */
  readonly hasLocks: boolean;
  /** BroadcastChannel: a tab takes the access token that another one received. */
  readonly hasChannel: boolean;
  readonly answerLost: number;
  readonly requestLost: number;
  readonly slow: number;
  /** Share of refreshes during which the lid is closed. */
  readonly lid: number;
  /**
   * Share of sittings that end with a crash, which loses the last seconds of the cookie jar, and perhaps the
   * record.
   */
  readonly crash: number;
  readonly crashLosesRecord: boolean;
  /**
   * Whether a server renders page loads and refreshes for the browser, and the share of pages that are not
   * delivered.
   */
  readonly rendered: 'never' | 'with attempts' | 'without attempts';
  readonly undelivered: number;
  /** How many networks a request may come from. */
  readonly networks: number;
  /** Share of requests before which the record is lost. */
  readonly evicted: number;
  /**
   * Share of requests that wait in a suspended process or an accept queue; a client's abort is seen only
   * afterwards.
   */
  readonly frozen: number;
  readonly hangUpSeen: number;
  /** Share of requests handled by an instance whose clock stood still. */
  readonly lateClock: number;
  /** Share of tabs that have their own record. */
  readonly apart: number;
  /** Share of tabs that send no attempts. */
  readonly old: number;
}

const BROWSER: Population = {
  name: 'browser, Web Locks, 1–3 tabs',
  tabs: [1, 3],
  hasLocks: true,
  hasChannel: true,
  answerLost: 0.002,
  requestLost: 0.002,
  slow: 0.01,
  lid: 0,
  crash: 0,
  crashLosesRecord: false,
  rendered: 'never',
  undelivered: 0,
  networks: 1,
  evicted: 0,
  frozen: 0,
  hangUpSeen: 0.8,
  lateClock: 0,
  apart: 0,
  old: 0,
};
const NO_LOCKS: Population = { ...BROWSER, tabs: [2, 3], hasLocks: false, hasChannel: false };
const MOBILE: Population = {
  ...BROWSER,
  name: 'mobile: 5 % answers, 3 % requests lost, 5 % slow',
  tabs: [1, 1],
  answerLost: 0.05,
  requestLost: 0.03,
  slow: 0.05,
  networks: 2,
};

export const OWNERS = [BROWSER, MOBILE] as const;
/** Power cuts that lose both cookie and record, for which no promise is made. */
export const JAR_AND_RECORD = 'crash, jar and record lose 30 s';

export const POPULATIONS: readonly Population[] = [
  BROWSER,
  { ...NO_LOCKS, name: '2–3 tabs, no locks, no channel' },
  { ...NO_LOCKS, hasChannel: true, name: 'the same with BroadcastChannel' },
  MOBILE,
  { ...MOBILE, answerLost: 0.2, requestLost: 0.15, slow: 0.2, name: 'bad train: 20 % / 15 % / 20 %' },
  { ...BROWSER, lid: 0.03, name: 'lid closed upon a refresh, weekends' },
  { ...BROWSER, crash: 0.2, name: 'crash, jar loses 30 s (20 % of sittings)' },
  { ...BROWSER, crash: 0.2, crashLosesRecord: true, name: JAR_AND_RECORD },
  {
    ...BROWSER,
    rendered: 'with attempts',
    undelivered: 0.003,
    name: 'server-side rendering (relay), 0.3 % of pages not delivered',
  },
  {
    ...BROWSER,
    rendered: 'without attempts',
    undelivered: 0.003,
    name: 'the same, the renderer sends no attempts',
  },
  { ...NO_LOCKS, tabs: [2, 2], networks: 6, name: 'pool of 6 exits, 2 tabs, no locks' },
  { ...NO_LOCKS, tabs: [2, 2], networks: 2, name: 'dual stack, 2 tabs, no locks' },
  { ...BROWSER, evicted: 0.01, answerLost: 0.05, name: 'record lost at 1 % of requests, 5 % answers lost' },
  { ...BROWSER, frozen: 0.01, name: 'P: 1 % of requests wait 15–300 s, hang-up seen 80 %' },
  { ...BROWSER, frozen: 0.01, hangUpSeen: 0, name: 'P: the same, never seen' },
  { ...NO_LOCKS, lateClock: 0.01, name: 'S: 1 % of requests at a clock 30–300 s late' },
  { ...NO_LOCKS, hasChannel: true, lateClock: 0.05, name: 'S: 5 %, with BroadcastChannel' },
  { ...BROWSER, apart: 0.3, name: 'tabs draw attempts apart (30 %)' },
  { ...BROWSER, tabs: [2, 3], old: 0.5, name: 'old client in half of the tabs, locks' },
  { ...NO_LOCKS, old: 0.5, name: 'old client in half of the tabs, no locks' },
  { ...NO_LOCKS, apart: 1, tabs: [3, 3], name: 'storage apart, shared cookie, no locks, 3 tabs' },
  { ...NO_LOCKS, apart: 1, tabs: [2, 2], name: 'storage apart, shared cookie, no locks, 2 tabs' },
];
