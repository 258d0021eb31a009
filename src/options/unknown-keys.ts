import { closest, distance } from 'fastest-levenshtein';
import type { ConfigurationProblem, OptionNames } from './option-reader.js';

/** The names of an option type; the compiler reports a name that is missing here. */
export type KnownKeys<Options> = {
  readonly [Key in keyof Required<Options>]: null | KnownKeys<Exclude<NonNullable<Options[Key]>, false>>;
};

/** Maximum edit distance of a suggestion, which is also limited to half the word: suggests for `gracePerod`, not for `graze`. */
const MAX_DISTANCE = 3;

/**
 * Finds names that are not options, at every level: otherwise a misspelt option would silently have its default.
 * @param others more names to suggest
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
    // Not given, or disabled.
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

/** The known name that a misspelt one probably means; null if none differs by at most `limit` letters. */
export function closestName(name: string, known: readonly string[], limit: number): string | null {
  const meant = closest(name, known);
  return distance(name, meant) > Math.min(MAX_DISTANCE, limit) ? null : meant;
}

/** Does not show texts: the text under an unknown name may be a secret. */
function withoutText(value: unknown): string {
  if (typeof value === 'string') return '(text, not shown)';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '(list)' : '(object)';
  return typeof value === 'function' ? '(function)' : String(value);
}
