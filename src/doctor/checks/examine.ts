import type { AuthOptions } from '../../options/auth-options.js';
import { ConfigurationError, type ConfigurationProblem } from '../../options/option-reader.js';
import { resolveOptions } from '../../options/resolve-options.js';
import { cookieDomain, insecureOrigins, otherSites, secureCookie } from './cookie-checks.js';
import { cookiePath, logoutPath } from './cookie-path-checks.js';
import { clockDifference, databaseAway, indexes, overdueRemovals, standalone } from './database-checks.js';
import { type DoctorFacts, isProduction, UNKNOWN_HOST } from './facts.js';
import { type Finding, FINDINGS, type Observation, weigh } from './finding.js';
import { foreignDocuments, foreignIndexes, oddUsers } from './foreign-checks.js';
import { ignoredProxy, issuer, notProduction, proxyTrust, shadowedRoutes } from './host-checks.js';
import { guessableKeys, relatedKeys, shortRsaKeys } from './key-checks.js';
import {
  auditOff,
  hashCost,
  impossibleProofs,
  longAccessTokens,
  revocationOff,
  shadowMode,
  threadPool,
  throttleOff,
  unboundDevices,
} from './policy-checks.js';

const CHECKS: readonly ((facts: DoctorFacts) => Observation[])[] = [
  guessableKeys,
  relatedKeys,
  shortRsaKeys,
  databaseAway,
  indexes,
  overdueRemovals,
  standalone,
  clockDifference,
  foreignDocuments,
  foreignIndexes,
  oddUsers,
  proxyTrust,
  ignoredProxy,
  shadowedRoutes,
  cookiePath,
  logoutPath,
  cookieDomain,
  secureCookie,
  otherSites,
  insecureOrigins,
  issuer,
  notProduction,
  hashCost,
  threadPool,
  longAccessTokens,
  shadowMode,
  impossibleProofs,
  unboundDevices,
  revocationOff,
  throttleOff,
  auditOff,
];

/** Returns the findings, the worst first. */
export function examine(facts: DoctorFacts): Finding[] {
  return weigh(
    CHECKS.flatMap((check) => check(facts)),
    FINDINGS,
    isProduction(facts),
  );
}

/**
 * Examines options without an application or a database. Returns the problems that keep the module from starting, or, if
 * there are none, the findings about options that it does accept.
 * @param environment `NODE_ENV` of the service; production has more findings
 */
export function examineOptions(options: AuthOptions, environment?: string): readonly Finding[] {
  try {
    const resolved = resolveOptions(options);
    const facts = { options: resolved, environment: environment ?? null, database: null, hashing: null };
    return examine({ ...facts, host: UNKNOWN_HOST });
  } catch (error) {
    if (error instanceof ConfigurationError) return refused(error.problems);
    throw error;
  }
}

/** Problems that keep the service from starting, in production and elsewhere. */
function refused(problems: readonly ConfigurationProblem[]): Finding[] {
  const observations = problems.map(({ key, value, fix }) => ({
    code: 'configuration.refused' as const,
    subject: key,
    message: `${value} is refused, and the service does not start`,
    fix,
  }));
  return weigh(observations, FINDINGS, true);
}
