import { DAY_MS, HOUR_MS, MINUTE_MS } from './limits.js';

/** A length of time: seconds as a number, or text such as `'500ms'`, `'15m'`, `'7d'`. */
export type Duration = number | `${number}${DurationUnit}` | (string & {});
type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w';

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};
const PATTERN = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?$/;
/** Ten years: anything longer is probably a wrong unit. */
const MAX_MS = 3650 * DAY_MS;

/** Milliseconds of a {@link Duration}; `null` if it is not a finite, non-negative length of at most ten years. */
export function parseDuration(value: unknown): number | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  const match = PATTERN.exec(String(value).trim());
  if (!match) return null;
  const ms = Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? 's'] ?? 1000));
  return ms <= MAX_MS ? ms : null;
}
