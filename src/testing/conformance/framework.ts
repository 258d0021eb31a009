import { deepStrictEqual, fail } from 'node:assert/strict';

/** What a suite needs of a test framework: `describe` and `it` of Jest, Vitest or node:test. */
export interface TestFramework {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** One test of a suite. */
export interface ConformanceCase<World> {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

/** @throws Error if there are none, as in Vitest without `globals` */
export function frameworkOf(given: Partial<TestFramework>): TestFramework {
  const { describe, it } = globalThis as unknown as Partial<TestFramework>;
  const framework = { describe: given.describe ?? describe, it: given.it ?? it };
  if (framework.describe && framework.it) return framework as TestFramework;
  throw new Error(
    'There are no global describe and it: pass those of your test framework as { describe, it }.',
  );
}

/** By value: dates must be dates, and a missing member is one that is undefined. */
export function expectSame(actual: unknown, expected: unknown, message?: string): void {
  deepStrictEqual(plain(actual), plain(expected), message);
}

/** The members of `expected` only. */
export function expectMembers(actual: object | null | undefined, expected: object, message?: string): void {
  if (!actual) fail(message ?? 'there is no such session');
  const members = Object.keys(expected).map((name) => [name, (actual as Record<string, unknown>)[name]]);
  expectSame(Object.fromEntries(members), expected, message);
}

/** Also where values come from another realm, as they do from a native module under Jest. */
function plain(value: unknown): unknown {
  if (Object.prototype.toString.call(value) === '[object Date]')
    return `Date ${(value as Date).toISOString()}`;
  if (Array.isArray(value)) return Array.from(value as unknown[], plain);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]).sort());
}
