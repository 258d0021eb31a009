import { parseDuration } from '../core/duration.js';

/** One problem in the configuration: where, what was given, and how to fix it. */
export interface ConfigurationProblem {
  readonly key: string;
  /** As given; secrets are masked. */
  readonly value: string;
  readonly fix: string;
}

/** Thrown at boot with every problem at once. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  constructor(readonly problems: readonly ConfigurationProblem[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n` +
        problems.map(({ key, value, fix }) => `  - ${key} = ${value}: ${fix}`).join('\n'),
    );
  }
}

/** The names in a group of options; null for an option that is not a group. */
export interface OptionNames {
  [name: string]: OptionNames | null;
}

type Name<Options> = keyof Options & string;
type Given<Options, Key extends keyof Options> = Exclude<Options[Key], undefined>;
type Group<Options, Key extends keyof Options> = Extract<Exclude<Options[Key], undefined | false>, object>;

/**
 * Reads the options of one group by name, with defaults. It collects problems and continues with the default, so that all
 * problems are reported together. It also collects the names, so that all others are refused as unknown.
 */
export class OptionReader<Options extends object> {
  /** Every name read so far, at every level. */
  readonly names: OptionNames = {};

  constructor(
    private readonly options: unknown,
    /** Shared by the readers of all groups. */
    readonly problems: ConfigurationProblem[] = [],
    private readonly path = '',
  ) {}

  /** The value as the host gave it, unchecked. */
  given(name: Name<Options>): unknown {
    this.names[name] ??= null;
    return (this.options as Partial<Options> | null | undefined)?.[name];
  }

  /** @param value what to show instead of the given value; secrets must not be shown */
  refuse(name: string, fix: string, value = show(this.given(name as Name<Options>))): void {
    this.problems.push({ key: this.path + name, value, fix });
  }

  duration(name: Name<Options>, fallback: string, { minMs = 1000 } = {}): number {
    const ms = parseDuration(this.given(name) ?? fallback);
    if (ms !== null && ms >= minMs) return ms;
    this.refuse(
      name,
      `give a duration of at least ${minMs} ms, such as '${fallback}' or a number of seconds`,
    );
    return parseDuration(fallback) ?? 0;
  }

  integer(name: Name<Options>, fallback: number, { min, max }: { min: number; max: number }): number {
    const number = this.given(name) ?? fallback;
    if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max)
      return number;
    this.refuse(name, `give a whole number from ${min} to ${max}`);
    return fallback;
  }

  flag(name: Name<Options>, fallback: boolean): boolean {
    const value = this.given(name);
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    this.refuse(name, 'give true or false');
    return fallback;
  }

  choice<Key extends Name<Options>>(
    name: Key,
    fallback: Given<Options, Key>,
    choices: readonly Given<Options, Key>[],
  ): Given<Options, Key> {
    const value = this.given(name);
    if (value === undefined) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.refuse(name, `give one of ${choices.join(', ')}`);
    return found ?? fallback;
  }

  /** A text that matches `form`. */
  text<Fallback extends string | null>(
    name: Name<Options>,
    fallback: Fallback,
    form: RegExp,
    fix: string,
  ): string | Fallback {
    const value = this.given(name) ?? fallback;
    if (value === null || (typeof value === 'string' && form.test(value))) return value as string | Fallback;
    this.refuse(name, fix);
    return fallback;
  }

  /** One text for each name of the fallback, all different. */
  distinctNames<Names extends Readonly<Record<string, string>>>(
    fallback: Names,
    form: RegExp,
    fix: string,
  ): Names {
    const names = Object.entries(fallback).map(
      ([name, value]) => [name, this.text(name as Name<Options>, value, form, fix)] as const,
    );
    for (const [index, [name, value]] of names.entries()) {
      const same = names.slice(0, index).find(([, earlier]) => earlier === value);
      if (same)
        this.refuse(name, `is also the name of ${this.path}${same[0]}: give each its own name`, show(value));
    }
    return Object.fromEntries(names) as Names;
  }

  texts(name: Name<Options>, fallback: readonly string[] = []): readonly string[] {
    const value = this.given(name);
    if (value === undefined) return fallback;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    this.refuse(name, 'give a list of strings');
    return fallback;
  }

  /** An object that the host provides, such as a store or a clock; null if there is none. */
  supplied<Key extends Name<Options>>(name: Key): Group<Options, Key> | null {
    return (this.given(name) ?? null) as Group<Options, Key> | null;
  }

  group<Key extends Name<Options>>(name: Key): OptionReader<Group<Options, Key>> {
    const group = this.record(name);
    this.names[name] = group.names;
    return group as OptionReader<Group<Options, Key>>;
  }

  /** A group that `false` disables; null if it is disabled. */
  groupUnlessOff<Key extends Name<Options>, Resolved>(
    name: Key,
    readGroup: (read: OptionReader<Group<Options, Key>>) => Resolved,
  ): Resolved | null {
    return this.given(name) === false ? null : readGroup(this.group(name));
  }

  /** A group whose names the host chooses. */
  record(name: Name<Options>): OptionReader<Record<string, unknown>> {
    return new OptionReader(this.given(name), this.problems, `${this.path}${name}.`);
  }

  done(): void {
    if (this.problems.length > 0) throw new ConfigurationError(this.problems);
  }
}

/** A value as problems show it. */
export function show(value: unknown): string {
  if (value === undefined) return '(not set)';
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return `(${Array.isArray(value) ? 'list' : typeof value})`;
}
