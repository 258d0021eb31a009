import { ANOMALY_RULES, type AnomalyRule } from '../core/anomaly.js';
import type { OptionReader } from './option-reader.js';

/** The rules examine every refresh and login; each is a small pure function. */
export interface AnomalyOptions {
  /**
   * What happens after suspicious activity: `report`, `revoke-session` or `revoke-user`. `report` emits an event;
   * `revoke-session` answers 403 `SUSPICIOUS_ACTIVITY` and ends the session; `revoke-user` also ends all other sessions of the
   * user.
   * @default 'report'
   */
  action?: 'report' | 'revoke-session' | 'revoke-user';
  /**
   * The rules that decide what is suspicious: the built-in rules, some of them, or more.
   * @default ANOMALY_RULES
   * @example
   * anomaly: { rules: ANOMALY_RULES.filter(({ name }) => name !== 'unfamiliar_client') },
   */
  rules?: readonly AnomalyRule[];
}

export function readAnomaly(read: OptionReader<AnomalyOptions>) {
  return {
    action: read.choice('action', 'report', ['report', 'revoke-session', 'revoke-user']),
    rules: readRules(read),
  };
}

function readRules(read: OptionReader<AnomalyOptions>): readonly AnomalyRule[] {
  const given = read.given('rules');
  if (given === undefined) return ANOMALY_RULES;
  if (!Array.isArray(given) || !given.every(isRule))
    read.refuse('rules', 'give a list of rules, each with a name and a function examine');
  else if (new Set(given.map(({ name }) => name)).size < given.length)
    read.refuse('rules', 'two rules have the same name: give each its own');
  else return [...given];
  return ANOMALY_RULES;
}

function isRule(rule: unknown): rule is AnomalyRule {
  const { name, examine } = Object(rule) as Partial<AnomalyRule>;
  return typeof name === 'string' && name !== '' && typeof examine === 'function';
}
