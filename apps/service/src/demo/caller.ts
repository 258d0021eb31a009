import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';

/**
 * The header in which a tab of the demo page, or the thief, names itself. A label for the picture; no decision
 * depends on it.
 */
export const CALLER_HEADER = 'x-demo-caller';

/** Each request of the page's client has a name of its own; what a browser sends again by itself has the same. */
const REQUEST_HEADER = 'x-demo-request';

const LABEL = /^[\w -]{1,24}$/;
const callers = new AsyncLocalStorage<string | null>();

/** Runs the rest of a request so that the events it causes know their caller. */
export function withCaller({ headers }: IncomingMessage, next: () => void): void {
  callers.run(labelOf(headers[CALLER_HEADER]), next);
}

/** The name of a request; null where the client gives none. */
export function requestName({ headers }: IncomingMessage): string | null {
  return labelOf(headers[REQUEST_HEADER]);
}

/** The label of the sender of the current request. */
export function currentCaller(): string | null {
  return callers.getStore() ?? null;
}

function labelOf(given: string | string[] | undefined): string | null {
  return typeof given === 'string' && LABEL.test(given) ? given : null;
}
