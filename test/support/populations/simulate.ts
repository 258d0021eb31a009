import { decideRotation, type RotationPolicy } from '../../../src/core/rotation.js';
import { ModelSession, type Rule } from '../rotation-model/model-session.js';
import { Browser } from './browser.js';
import { COMMON, OWNERS, type Population } from './parameters.js';
import { Thief, type ThiefKind, type ThiefReport } from './thief.js';
import { DAY, Timeline } from './timeline.js';

const POPULATION_DAYS = 5;
const THIEF_DAYS = 3;
/** Robbed sessions: four in five belong to browsers and one to a mobile client. */
const MOBILE_SHARE = 0.2;
const POLICY: RotationPolicy = {
  gracePeriodMs: COMMON.graceMs,
  lostResponseWindowMs: COMMON.idleTtlMs,
  fingerprintMode: 'off',
};

export interface Settings {
  readonly sessions: number;
  readonly seed: number;
  readonly rule?: Rule;
}

export interface PopulationReport {
  readonly name: string;
  readonly sessions: number;
  readonly forcedLogouts: number;
  /** How many of these happened because more than four generations had overtaken a request. */
  readonly beyondMemory: number;
  readonly refreshes: number;
  /** Requests per refresh beyond the first. */
  readonly extraRoundTrips: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Simulates one population of honest browsers. The same seed gives the same events, with and without attempts. */
export function livePopulation(
  population: Population,
  sendsAttempts: boolean,
  { sessions, seed, rule = decideRotation }: Settings,
): PopulationReport {
  const outcomes: Record<string, number> = {};
  let [forcedLogouts, beyondMemory, refreshes, requests] = [0, 0, 0, 0];
  const watched: Rule = (session, token, now, policy) => {
    const decision = rule(session, token, now, policy);
    if (decision.outcome === 'reuse' && decision.evidence === 'beyond_memory') beyondMemory += 1;
    return decision;
  };
  for (let index = 0; index < sessions; index += 1) {
    const { time, browser } = start(population, sendsAttempts, seed + index, watched);
    browser.live(POPULATION_DAYS);
    time.run(time.now + (POPULATION_DAYS + 3) * DAY);
    if (browser.isLoggedOut) forcedLogouts += 1;
    refreshes += browser.counts.refreshes;
    requests += browser.counts.requests;
    for (const [outcome, count] of browser.counts.outcomes)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  const extraRoundTrips = refreshes > 0 ? requests / refreshes - 1 : 0;
  return {
    name: population.name,
    sessions,
    forcedLogouts,
    beyondMemory,
    refreshes,
    extraRoundTrips,
    outcomes,
  };
}

/** Simulates thieves of one kind, one for each session; `null` for thieves who found nothing to copy. */
export function robPopulation(
  kind: ThiefKind,
  sendsAttempts: boolean,
  { sessions, seed, rule = decideRotation }: Settings,
): ThiefReport[] {
  const reports: ThiefReport[] = [];
  for (let index = 0; index < sessions; index += 1) {
    const owner = OWNERS[index % (1 / MOBILE_SHARE) === 0 ? 1 : 0];
    const { time, browser, session } = start(owner, sendsAttempts, seed + index, rule);
    browser.live(THIEF_DAYS);
    const thief = new Thief(time, session, browser, kind, sendsAttempts);
    time.after(time.between(0, DAY), () => thief.waitToCopy());
    time.run(time.now + THIEF_DAYS * DAY);
    const report = thief.report();
    if (report) reports.push(report);
  }
  return reports;
}

function start(population: Population, sendsAttempts: boolean, seed: number, rule: Rule) {
  const time = new Timeline(seed);
  const session = new ModelSession({ at: time.now, ip: '192.0.1.1' }, POLICY, rule, COMMON.idleTtlMs);
  const browser = new Browser(time, session, population, sendsAttempts);
  return { time, session, browser };
}
