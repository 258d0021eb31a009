import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';

/** By it a tab of the demo page, or the thief, says who it is. A label for the picture; nothing is decided by it. */
export const CALLER_HEADER = 'x-demo-caller';

const LABEL = /^[\w -]{1,24}$/;
const callers = new AsyncLocalStorage<string | null>();

/** Runs what follows of a request so that an event which it causes knows its caller. */
export function withCaller({ headers }: IncomingMessage, next: () => void): void {
  const given = headers[CALLER_HEADER];
  callers.run(typeof given === 'string' && LABEL.test(given) ? given : null, next);
}

/** The label of the sender of the current request. */
export function currentCaller(): string | null {
  return callers.getStore() ?? null;
}
