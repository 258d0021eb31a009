import type { AuthEventName, AuthEvents } from '../core/events.js';
import { RecordedEvents } from './recorded-events.js';

/** The part of Jest or Vitest that a matcher needs. */
interface MatcherContext {
  equals(actual: unknown, expected: unknown): boolean;
}

interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** The types of the matchers on `expect(…)`; add them to the `Matchers` of your test framework. */
export interface AuthMatchers<Result = unknown> {
  /** Whether {@link RecordedEvents} contain an event whose payload has the given members. */
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
      throw new TypeError('toHaveEmitted needs the events of recordEvents(app)');
    const payloads = received.of(name) as unknown as readonly Record<string, unknown>[];
    const pass = payloads.some((payload) =>
      Object.entries(expected).every(([member, value]) => this.equals(payload[member], value)),
    );
    const wanted = Object.keys(expected).length > 0 ? ` with ${shown(expected)}` : '';
    const found =
      payloads.length > 0
        ? `${name} was emitted with ${payloads.map(shown).join(' and ')}`
        : `emitted events: ${received.names()}`;
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

/** Asymmetric matchers, such as `expect.any(String)`. */
function isAsymmetric(value: unknown): value is { toString(): string } {
  return typeof value === 'object' && value !== null && 'asymmetricMatch' in value;
}
