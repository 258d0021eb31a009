import { closest, distance } from 'fastest-levenshtein';
import type { ConfigurationProblem, OptionNames } from './option-reader.js';

/** The names of a declared type: one cannot be added there without being added here. */
export type KnownKeys<Options> = {
  readonly [Key in keyof Required<Options>]: null | KnownKeys<Exclude<NonNullable<Options[Key]>, false>>;
};

/** Half a word may be wrong, three letters at most: `gracePerod`, not `graze`. */
const MAX_DISTANCE = 3;

/**
 * Every name that is no option, at every level: a misspelt option would silently have its default.
 * @param others further names to suggest
 */
export function unknownKeys(
  given: unknown,
  known: OptionNames,
  path = '',
  others: readonly string[] = [],
): ConfigurationProblem[] {
  if (!isGroup(given)) return [];
  return Object.entries(given).flatMap(([name, value]) => {
    const group = Object.hasOwn(known, name) ? known[name] : undefined;
    const problem = { key: path + name, value: withoutText(value) };
    if (group === undefined) return [{ ...problem, fix: fixOf(name, known, others) }];
    // Not given, or turned off.
    if (group === null || value === undefined || value === null || value === false) return [];
    if (isGroup(value)) return unknownKeys(value, group, `${path}${name}.`);
    return [{ ...problem, fix: `give an object with some of ${Object.keys(group).join(', ')}` }];
  });
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fixOf(name: string, known: OptionNames, others: readonly string[]): string {
  const names = Object.keys(known);
  const meant = closestName(name, [...names, ...others], Math.floor(name.length / 2));
  return meant === null
    ? `there is no such option: remove it; there are ${names.join(', ')}`
    : `there is no such option: did you mean ${meant}?`;
}

/** The known name that a misspelt one was probably meant to be; null if none differs by at most `limit` letters. */
export function closestName(name: string, known: readonly string[], limit: number): string | null {
  const meant = closest(name, known);
  return distance(name, meant) > Math.min(MAX_DISTANCE, limit) ? null : meant;
}

/** The text under an unknown name may be a secret. */
function withoutText(value: unknown): string {
  if (typeof value === 'string') return '(text, not shown)';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '(list)' : '(object)';
  return typeof value === 'function' ? '(function)' : String(value);
}
