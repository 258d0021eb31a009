import { getPublicSuffix } from 'tldts';
import { type OptionReader, show } from './option-reader.js';

/** A list of origins, or a function that decides about an origin. */
export type TrustedOriginsOption = readonly string[] | ((origin: string) => boolean);

/**
 * Returns a function that checks whether an origin is in `trustedOrigins`, for the CORS settings of your application.
 *
 * @example
 * const isTrusted = originMatcher(['https://app.example.com', 'https://*.preview.example.com']);
 * app.enableCors({ credentials: true, origin: (origin, done) => done(null, isTrusted(origin ?? '')) });
 */
export function originMatcher(trusted: TrustedOriginsOption): (origin: string) => boolean {
  // The host's function may return any type.
  if (typeof trusted === 'function') return (origin) => (trusted(origin) as unknown) === true;
  const exact = new Set(trusted.filter((each) => !isPattern(each)));
  const matchers = trusted.filter(isPattern).map(matcherOf);
  return (origin) => exact.has(origin) || matchers.some((matches) => matches(origin));
}

export function readTrustedOrigins(
  read: OptionReader<{ trustedOrigins?: TrustedOriginsOption }>,
): TrustedOriginsOption {
  const given = read.given('trustedOrigins');
  if (typeof given === 'function') return given as (origin: string) => boolean;
  const listed = [...read.texts('trustedOrigins')];
  for (const origin of listed)
    if (!isOrigin(isPattern(origin) ? sampleOf(origin) : origin))
      read.refuse(
        'trustedOrigins',
        "give scheme and host only, such as 'https://app.example.com' or 'https://*.example.com', no path, no slash",
        show(origin),
      );
    else if (isPattern(origin) && belongsToAnybody(origin))
      read.refuse(
        'trustedOrigins',
        'anybody can register a host under this name: give a name of your own',
        show(origin),
      );
  return listed;
}

/** An origin as browsers and app shells (`capacitor://localhost`) send it; `URL` supports the origin of web schemes only. */
function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#*@]+$/.test(text) || !URL.canParse(text)) return false;
  return !/^https?:/.test(text) || new URL(text).origin === text;
}

/** `https://*.example.com`: every name under it, at any depth, but not `example.com` itself. */
function isPattern(text: string): boolean {
  return /^https?:\/\/\*\./.test(text);
}

function sampleOf(pattern: string): string {
  return pattern.replace('*', 'any');
}

/** What the asterisk matches. */
const NAMES = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** Does not build a regular expression from the pattern: a host may contain `(` and `+` (WHATWG URL §3.1). */
function matcherOf(pattern: string): (origin: string) => boolean {
  const asterisk = pattern.indexOf('*');
  const [start, end] = [pattern.slice(0, asterisk), pattern.slice(asterisk + 1)];
  return (origin) =>
    origin.startsWith(start) &&
    origin.endsWith(end) &&
    NAMES.test(origin.slice(start.length, origin.length - end.length));
}

function belongsToAnybody(pattern: string): boolean {
  const { hostname } = new URL(sampleOf(pattern));
  const parent = hostname.slice('any.'.length);
  return getPublicSuffix(parent, { allowPrivateDomains: true, validateHostname: false }) === parent;
}
