import type { IncomingMessage } from 'node:http';
import { printable } from '../common/printable.js';

/** A machine of a developer has only a few front ends. */
const MAX_ORIGINS = 20;
const ORIGIN = /^https?:\/\/[^\s/?#@,*]{1,100}$/;

/**
 * Tells a developer, once for each origin, that a browser asks before it sends a request from there (a CORS preflight) and is
 * refused. The request itself is never sent, so nothing else would name the reason.
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
        `Requests from ${shown} are refused; if a front end of yours is there, add its origin: TRUSTED_ORIGINS=${shown}`,
      );
    }
    next();
  };
}
