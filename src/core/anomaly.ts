import { browserFamily } from './fingerprint.js';
import { MINUTE_MS } from './limits.js';
import { CLIENT_NETWORK, networkOf } from './network.js';

/** One use of a session, or one login. */
export interface ActivityUse {
  readonly ip: string;
  /** Its first 128 characters. */
  readonly userAgent: string | null;
  readonly at: Date;
}

/** A refresh that is about to be answered. */
export interface RefreshActivity {
  readonly kind: 'refresh';
  readonly userId: string;
  readonly sessionId: string;
  readonly use: ActivityUse;
  /** The uses before this one, oldest first; at most five. */
  readonly earlierUses: readonly ActivityUse[];
  readonly outcome: 'rotated' | 'replayed' | 'recovered' | 'healed' | 'contested' | 'displaced';
  /** The use that made the current generation, unless the session no longer knows it. */
  readonly madeBy: ActivityUse | null;
  /**
   * How many generations in a row were served to the same two networks, counted only while no attempt distinguishes a
   * retry from a second holder; otherwise 0.
   */
  readonly sharedGenerations: number;
  /** An answer of this generation was lost and replaced before. */
  readonly isRepeatedRecovery: boolean;
  /** Rotations of the session within `windowMs`, as far as this process saw them. */
  readonly rotations: number;
  /** Length of the window of `rotations`, in milliseconds. */
  readonly windowMs: number;
  readonly accessTokenTtlMs: number;
}

/** A login with the right password that is about to be answered. */
export interface LoginActivity {
  readonly kind: 'login';
  readonly userId: string;
  /** The session that has just begun. */
  readonly sessionId: string;
  readonly use: ActivityUse;
  /** Wrong passwords for the account from the same origin before this login; 0 on a device that the account knows. */
  readonly failedAttempts: number;
  /** Where and when the live sessions of the user began, including this one. */
  readonly logins: readonly Pick<ActivityUse, 'ip' | 'at'>[];
}

export type Activity = RefreshActivity | LoginActivity;

/**
 * What a rule saw. It is stored in the event and in the audit log, so it must hold no secret. At most 20 fields; texts are
 * cut at 256 characters.
 */
export type Suspicion = Readonly<Record<string, string | number | boolean | null>>;

/**
 * A small pure function that separates odd activity from usual activity. It runs while a refresh or a login waits, so it is
 * synchronous: a rule that throws or returns a promise is logged and counts as "nothing odd".
 */
export interface AnomalyRule {
  /** Name of the rule in the event. */
  readonly name: string;
  /** What is odd about the activity; null if nothing is. */
  readonly examine: (activity: Activity) => Suspicion | null;
  /** Whether `anomaly.action` applies to the finding; a rule without it always triggers the action. */
  readonly isActionable?: (suspicion: Suspicion) => boolean;
}

const MIN_EARLIER_USES = 3;
const SCATTERED_WINDOW_MS = 10 * MINUTE_MS;
const SCATTERED_NETWORKS = 4;
const MANY_FAILURES = 6;
const MANY_ROTATIONS = 200;
const ROTATIONS_PER_LIFETIME = 50;
/** Honest phones and address pools sometimes reach 2 and rarely 3; a few reach 5. */
const SHARED_GENERATIONS_TO_REPORT = 3;
const SHARED_GENERATIONS_TO_ACT = 5;

/**
 * Neither the network nor the browser appears in at least three earlier uses. It takes both, because phones roam and VPNs
 * toggle (another network), and some clients change their browser. A browser update is not another browser here.
 */
const unfamiliarClient: AnomalyRule = {
  name: 'unfamiliar_client',
  examine(activity) {
    if (activity.kind !== 'refresh' || activity.earlierUses.length < MIN_EARLIER_USES) return null;
    const { use, earlierUses } = activity;
    // Fast path: nearly every refresh ends here.
    if (earlierUses.some(({ ip, userAgent }) => ip === use.ip || userAgent === use.userAgent)) return null;
    const network = networkOf(use.ip, CLIENT_NETWORK);
    const family = browserFamily(use.userAgent);
    const isFamiliar = (earlier: ActivityUse) =>
      networkOf(earlier.ip, CLIENT_NETWORK) === network || browserFamily(earlier.userAgent) === family;
    if (network === null || earlierUses.some(isFamiliar)) return null;
    const last = earlierUses.at(-1);
    return {
      earlierUses: earlierUses.length,
      lastIp: last?.ip ?? null,
      lastUserAgent: last?.userAgent ?? null,
    };
  },
};

/** Sessions of one user began within minutes in more networks than one person with several devices can be in. */
const scatteredLogins: AnomalyRule = {
  name: 'scattered_logins',
  examine(activity) {
    if (activity.kind !== 'login') return null;
    const since = activity.use.at.getTime() - SCATTERED_WINDOW_MS;
    const recent = activity.logins.filter(({ at }) => at.getTime() >= since);
    const networks = new Set(
      recent.map(({ ip }) => networkOf(ip, CLIENT_NETWORK)).filter((name) => name !== null),
    );
    if (networks.size < SCATTERED_NETWORKS) return null;
    return { sessions: recent.length, networks: networks.size, minutes: SCATTERED_WINDOW_MS / MINUTE_MS };
  },
};

/**
 * Far more refreshes than the lifetime of an access token explains. A page that refreshes at each load stays below the
 * limit; a client in a loop or a script does not.
 */
const excessiveRefreshes: AnomalyRule = {
  name: 'excessive_refreshes',
  examine(activity) {
    if (activity.kind !== 'refresh') return null;
    const { rotations, windowMs, accessTokenTtlMs } = activity;
    if (rotations <= MANY_ROTATIONS) return null;
    const lifetimes = Math.ceil(windowMs / accessTokenTtlMs) + 1;
    if (rotations <= lifetimes * ROTATIONS_PER_LIFETIME) return null;
    return { rotations, minutes: windowMs / MINUTE_MS };
  },
};

/** The right password after many wrong ones from the same origin: perhaps guessed. */
const loginAfterFailures: AnomalyRule = {
  name: 'login_after_failures',
  examine(activity) {
    if (activity.kind !== 'login' || activity.failedAttempts < MANY_FAILURES) return null;
    return { failedAttempts: activity.failedAttempts };
  },
};

/** The answer to one generation was lost again, after the grace period of the first recovery: two may hold the token. */
const repeatedRecovery: AnomalyRule = {
  name: 'repeated_recovery',
  examine(activity) {
    return activity.kind === 'refresh' && activity.isRepeatedRecovery ? { outcome: activity.outcome } : null;
  },
};

/**
 * Two clients hold one token, on different networks or with different browsers. With the same network and browser they are
 * two tabs that share no record of their attempts. The rule never acts: the rotation itself decides about the session.
 */
const contestedToken: AnomalyRule = {
  name: 'contested_token',
  examine(activity) {
    if (activity.kind !== 'refresh') return null;
    const { outcome, use, madeBy } = activity;
    if ((outcome !== 'contested' && outcome !== 'displaced') || !madeBy) return null;
    const isSameClient =
      isSameNetwork(use, madeBy) && browserFamily(use.userAgent) === browserFamily(madeBy.userAgent);
    return isSameClient ? null : { outcome, otherIp: madeBy.ip, otherUserAgent: madeBy.userAgent };
  },
  isActionable: () => false,
};

/** A phone that changes its network does not go back and forth in every generation. */
const oneTokenTwoNetworks: AnomalyRule = {
  name: 'one_token_two_networks',
  examine(activity) {
    if (activity.kind !== 'refresh' || activity.sharedGenerations < SHARED_GENERATIONS_TO_REPORT) return null;
    return { generations: activity.sharedGenerations, otherIp: activity.madeBy?.ip ?? null };
  },
  isActionable: ({ generations }) => Number(generations) >= SHARED_GENERATIONS_TO_ACT,
};

function isSameNetwork(one: ActivityUse, other: ActivityUse): boolean {
  return one.ip === other.ip || networkOf(one.ip, CLIENT_NETWORK) === networkOf(other.ip, CLIENT_NETWORK);
}

/** The built-in rules. An application can add its own: `rules: [...ANOMALY_RULES, mine]`. */
export const ANOMALY_RULES: readonly AnomalyRule[] = Object.freeze(
  [
    unfamiliarClient,
    scatteredLogins,
    excessiveRefreshes,
    loginAfterFailures,
    repeatedRecovery,
    contestedToken,
    oneTokenTwoNetworks,
  ].map((rule) => Object.freeze(rule)),
);
