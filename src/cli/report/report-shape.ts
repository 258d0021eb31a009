import type { ReuseCase, SecurityReport } from '../../audit/security-report.js';
import type { TopEntry } from '../../audit/top-counter.js';
import { isDay } from '../../core/day.js';

type Is = (value: unknown) => boolean;
type Shape<T> = { readonly [Field in keyof T]-?: Is };

/** Checks that a response is a report, because the service is not trusted. Ignores fields that later versions add. */
export function isReport(value: unknown): value is SecurityReport {
  return IS_REPORT(value);
}

/** Reviver for `JSON.parse` that restores dates. */
export function withDates(key: string, value: unknown): unknown {
  return (key === 'at' || key === 'generatedAt') && typeof value === 'string' ? new Date(value) : value;
}

const object =
  <T>(shape: Shape<T>): Is =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries<Is>(shape).every(([field, is]) => is((value as Record<string, unknown>)[field]));
const list =
  (is: Is): Is =>
  (value) =>
    Array.isArray(value) && value.every(is);
const orNull =
  (is: Is): Is =>
  (value) =>
    value === null || is(value);
const text: Is = (value) => typeof value === 'string';
const flag: Is = (value) => typeof value === 'boolean';
const count: Is = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const day: Is = (value) => typeof value === 'string' && isDay(value);
const moment: Is = (value) => value instanceof Date && !Number.isNaN(value.getTime());
const counts: Is = (value) =>
  typeof value === 'object' && value !== null && Object.values(value).every(count);

const TOP: Shape<TopEntry> = { key: text, count, error: count };
const IS_REPORT = object<SecurityReport>({
  generatedAt: moment,
  from: day,
  to: day,
  totals: list(object({ type: text, count })),
  days: list(object({ day, counts })),
  reasons: list(object({ type: text, reason: text, count })),
  topSources: list(object(TOP)),
  topTargets: list(object({ ...TOP, email: orNull(text) })),
  reuseCases: list(
    object<ReuseCase>({
      at: moment,
      userId: text,
      sessionId: text,
      classification: text,
      presentedGeneration: count,
      generation: count,
      revoked: flag,
      source: object({ ip: orNull(text), userAgent: orNull(text) }),
      lastUse: orNull(object({ ip: text, userAgent: orNull(text), at: moment })),
    }),
  ),
  falseAlarmsAvoided: object({ replays: count, recoveries: count, healed: count, isAtMost: flag }),
  sessions: object({ active: count, isAtLeast: flag }),
  indexes: list(
    object({
      collection: text,
      index: text,
      isTtl: flag,
      state: text,
      found: orNull(text),
      overdueMs: orNull(count),
    }),
  ),
});
