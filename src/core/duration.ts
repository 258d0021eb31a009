/** A length of time: seconds as a number, or text such as `'500ms'`, `'15m'`, `'7d'`. */
export type Duration = number | `${number}${DurationUnit}` | (string & {});
type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w';

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const PATTERN = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?$/;
/** Beyond ten years a lifetime is a mistake in the unit, not a wish. */
const MAX_MS = 3650 * 86_400_000;

/** Milliseconds of a {@link Duration}; `null` where it is no finite, non-negative length of at most ten years. */
export function parseDuration(value: unknown): number | null {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  const match = PATTERN.exec(text);
  if (!match) return null;
  const ms = Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? 's'] ?? 1000));
  return ms <= MAX_MS ? ms : null;
}
