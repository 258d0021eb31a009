import type { AuthEventName, AuthEvents } from '../core/events.js';
import { RecordedEvents } from './recorded-events.js';

/** What a matcher needs of Jest or Vitest. */
interface MatcherContext {
  equals(actual: unknown, expected: unknown): boolean;
}

interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** The matchers as `expect(…)` has them; add it to the `Matchers` of your test framework. */
export interface AuthMatchers<Result = unknown> {
  /** Whether {@link RecordedEvents} hold an event, with these members of its payload where they are given. */
  toHaveEmitted<Name extends AuthEventName>(
    name: Name,
    payload?: { readonly [Key in keyof AuthEvents[Name]]?: unknown },
  ): Result;
}

/** Matchers for Jest and Vitest: `expect.extend(authMatchers)`. */
export const authMatchers = {
  toHaveEmitted(
    this: MatcherContext,
    received: unknown,
    name: AuthEventName,
    expected: object = {},
  ): MatcherResult {
    if (!(received instanceof RecordedEvents))
      throw new TypeError('toHaveEmitted takes the events of recordEvents(app)');
    const payloads = received.of(name) as unknown as readonly Record<string, unknown>[];
    const pass = payloads.some((payload) =>
      Object.entries(expected).every(([member, value]) => this.equals(payload[member], value)),
    );
    const wanted = Object.keys(expected).length > 0 ? ` with ${shown(expected)}` : '';
    const found =
      payloads.length > 0
        ? `${name} came with ${payloads.map(shown).join(' and ')}`
        : `there were ${received.names()}`;
    return {
      pass,
      message: () => (pass ? `${name} was emitted${wanted}` : `no ${name}${wanted} was emitted: ${found}`),
    };
  },
};

function shown(value: object): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isAsymmetric(member) ? member.toString() : member,
  );
}

/** Such as `expect.any(String)`. */
function isAsymmetric(value: unknown): value is { toString(): string } {
  return typeof value === 'object' && value !== null && 'asymmetricMatch' in value;
}
