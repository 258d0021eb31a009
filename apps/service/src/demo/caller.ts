import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';

/**
 * The header in which a tab of the demo page, or the thief, names itself. A label for the picture; no decision
 * depends on it.
 */
export const CALLER_HEADER = 'x-demo-caller';

const LABEL = /^[\w -]{1,24}$/;
const callers = new AsyncLocalStorage<string | null>();

/** Runs the rest of a request so that the events it causes know their caller. */
export function withCaller({ headers }: IncomingMessage, next: () => void): void {
  const given = headers[CALLER_HEADER];
  callers.run(typeof given === 'string' && LABEL.test(given) ? given : null, next);
}

/** The label of the sender of the current request. */
export function currentCaller(): string | null {
  return callers.getStore() ?? null;
}
