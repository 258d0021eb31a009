import { parseDuration } from '../duration.js';

/** One thing wrong with the configuration: where, what was given, and what to do. */
export interface ConfigurationProblem {
  readonly key: string;
  /** As given; secrets are masked. */
  readonly value: string;
  readonly mend: string;
}

/** Thrown at boot with every problem at once. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  constructor(readonly problems: readonly ConfigurationProblem[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n` +
        problems.map(({ key, value, mend }) => `  - ${key} = ${value}: ${mend}`).join('\n'),
    );
  }
}

/** Reads options one by one, collects what is wrong, and goes on with the default, so that all is reported together. */
export class OptionReader {
  readonly problems: ConfigurationProblem[] = [];

  refuse(key: string, value: unknown, mend: string): void {
    this.problems.push({ key, value: show(value), mend });
  }

  duration(key: string, value: unknown, fallback: string, { minMs = 1000 } = {}): number {
    const ms = parseDuration(value ?? fallback);
    if (ms === null || ms < minMs) {
      this.refuse(
        key,
        value,
        `give a duration of at least ${minMs} ms, such as '${fallback}' or a number of seconds`,
      );
      return parseDuration(fallback) ?? 0;
    }
    return ms;
  }

  integer(key: string, value: unknown, fallback: number, min: number, max: number): number {
    const number = value ?? fallback;
    if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max)
      return number;
    this.refuse(key, value, `give a whole number from ${min} to ${max}`);
    return fallback;
  }

  flag(key: string, value: unknown, fallback: boolean): boolean {
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    this.refuse(key, value, 'give true or false');
    return fallback;
  }

  choice<T extends string>(key: string, value: unknown, fallback: T, choices: readonly T[]): T {
    if (value === undefined) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.refuse(key, value, `give one of ${choices.join(', ')}`);
    return found ?? fallback;
  }

  /** A list of texts; empty where it is not set. */
  texts(key: string, value: unknown, fallback: readonly string[] = []): readonly string[] {
    if (value === undefined) return fallback;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    this.refuse(key, value, 'give a list of strings');
    return fallback;
  }

  done(): void {
    if (this.problems.length > 0) throw new ConfigurationError(this.problems);
  }
}

function show(value: unknown): string {
  if (value === undefined) return '(not set)';
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return `(${Array.isArray(value) ? 'list' : typeof value})`;
}
