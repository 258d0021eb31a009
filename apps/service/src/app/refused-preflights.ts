import type { IncomingMessage } from 'node:http';
import { printable } from '../common/printable.js';

/** Maximum origins to remember: a developer's machine has only a few front ends. */
const MAX_ORIGINS = 20;
const ORIGIN = /^https?:\/\/[^\s/?#@,*]{1,100}$/;

/**
 * Warns a developer, once for each origin, that a CORS preflight from there was refused. The browser never sends
 * the request itself, so nothing else would show the reason.
 */
export function refusedPreflights(isTrusted: (origin: string) => boolean, warn: (message: string) => void) {
  const seen = new Set<string>();
  return ({ method, headers }: IncomingMessage, _response: unknown, next: () => void): void => {
    const { origin = '' } = headers;
    const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
    if (
      isPreflight &&
      ORIGIN.test(origin) &&
      !isTrusted(origin) &&
      seen.size < MAX_ORIGINS &&
      !seen.has(origin)
    ) {
      seen.add(origin);
      const shown = printable(origin);
      warn(
        `Requests from ${shown} are refused. If your front end runs there, add its origin: TRUSTED_ORIGINS=${shown}`,
      );
    }
    next();
  };
}
