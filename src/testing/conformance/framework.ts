import { deepStrictEqual, fail } from 'node:assert/strict';

/** The part of a test framework that a suite needs: `describe` and `it` of Jest, Vitest or node:test. */
export interface TestFramework {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** One test of a suite. */
export interface ConformanceCase<World> {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

/** @throws Error if there are no globals, for example in Vitest without `globals` */
export function frameworkOf(given: Partial<TestFramework>): TestFramework {
  const { describe, it } = globalThis as unknown as Partial<TestFramework>;
  const framework = { describe: given.describe ?? describe, it: given.it ?? it };
  if (framework.describe && framework.it) return framework as TestFramework;
  throw new Error(
    'There are no global describe and it: pass those of your test framework as { describe, it }.',
  );
}

/** Compares by value: dates must be dates, and a missing member equals an undefined one. */
export function expectSame(actual: unknown, expected: unknown, message?: string): void {
  deepStrictEqual(plain(actual), plain(expected), message);
}

/** Compares only the members of `expected`. */
export function expectMembers(actual: object | null | undefined, expected: object, message?: string): void {
  if (!actual) fail(message ?? 'there is no such session');
  const members = Object.keys(expected).map((name) => [name, (actual as Record<string, unknown>)[name]]);
  expectSame(Object.fromEntries(members), expected, message);
}

/** Works across realms: under Jest, values of native modules come from another realm. */
function plain(value: unknown): unknown {
  if (Object.prototype.toString.call(value) === '[object Date]')
    return `Date ${(value as Date).toISOString()}`;
  if (Array.isArray(value)) return Array.from(value as unknown[], plain);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]).sort());
}
