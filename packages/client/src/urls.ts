import type { Environment } from './environment.js';
import { invalidOptions } from './errors.js';
import { orUndefined } from './or-undefined.js';
import type { AuthClient, AuthClientOptions } from './types.js';

/** A plain web URL up to its path. Unusual spellings, for example with a user or a backslash, do not match. */
const ORIGIN = /^https?:\/\/(?:[\w.-]+|\[[\da-f:.]+])(?::\d+)?(?=[/?#]|$)/i;
const DEFAULT_PORT = /^(http:.*):80$|^(https:.*):443$/;

/** The origin of an absolute URL, read without the runtime's parser; `''` if it has none. */
function originOf(url: string): string {
  const [origin = ''] = ORIGIN.exec(url) ?? [];
  return origin.toLowerCase().replace(DEFAULT_PORT, '$1$2');
}

const parsed = (url: string, from?: string): string | undefined => orUndefined(() => new URL(url, from).href);

export interface Urls {
  /** The URL of the auth routes, absolute, without a trailing slash; `''` if it is relative and there is no page. */
  readonly base: string;
  /** The URL as this runtime reads it; `''` if it cannot read it. */
  readonly resolve: (url: string) => string;
  readonly isTrusted: AuthClient['isTrusted'];
}

/**
 * The access token goes only to the page's own origin, to that of `baseUrl` and to `trustedOrigins`. These are read
 * once, relative to the page's address, so that a `<base>` element cannot add one.
 *
 * @throws AuthClientError `INVALID_OPTIONS`
 */
export function readUrls(
  { baseUrl, trustedOrigins = [] }: AuthClientOptions,
  { page, workerUrl }: Environment,
): Urls {
  // React Native's own `URL` changes its input, and takes some absolute URLs for relative ones.
  const isComplete = parsed('HTTP://A') === 'http://a/';
  const against = (url: string, from?: string): string => (isComplete ? (parsed(url, from) ?? '') : url);
  const home = page?.home ?? workerUrl;
  const base = against(baseUrl, home).replace(/\/+$/, '');
  const origins = trustedOrigins.map((each) => originOf(against(each)));
  // A relative URL is fine on a server, where pages are rendered before their client sends a request.
  const isBaseMissing =
    typeof baseUrl !== 'string' || !baseUrl || (!originOf(base) && (home || /^\w+:/.test(baseUrl)));
  if (isBaseMissing) throw invalidOptions(`baseUrl is not an http(s) URL: ${baseUrl}`);
  if (origins.includes(''))
    throw invalidOptions(`trustedOrigins must be http(s) URLs: ${trustedOrigins.join()}`);
  const trusted = [originOf(base), originOf(home ?? ''), ...origins].filter(Boolean);
  const resolve = (url: string) => against(url, page?.url ?? workerUrl);
  return {
    base: originOf(base) && base,
    resolve,
    isTrusted: (url) => trusted.includes(originOf(resolve(url))),
  };
}
