import ipaddr from 'ipaddr.js';
import { getDomain, getPublicSuffix } from 'tldts';

/** Browsers hold these for trustworthy, and nobody else reaches them. */
export function isLocal(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true;
  return rangeOf(hostname) === 'loopback';
}

/** Names that only a network of one's own knows: no top-level domain, or one that is reserved. */
export function isInternalName(hostname: string): boolean {
  if (rangeOf(hostname) !== null) return rangeOf(hostname) !== 'unicast';
  return (
    !hostname.includes('.') || /\.(?:local|localhost|test|internal|lan|home\.arpa|invalid)$/.test(hostname)
  );
}

/** Whether an address is of a network of one's own: where a proxy stands, and a stranger does not. */
export function isNearby(address: string): boolean {
  const range = rangeOf(address);
  return (
    range !== null && ['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat'].includes(range)
  );
}

/** The whole list, as browsers take it: customers of one hoster are as foreign to each other as those of one registry. */
const WHOLE_LIST = { allowPrivateDomains: true, validateHostname: false };

/** Whether two origins are of different sites, as `SameSite` takes it: scheme and registrable domain. */
export function areOtherSites(one: URL, other: URL): boolean {
  return one.protocol !== other.protocol || siteOf(one.hostname) !== siteOf(other.hostname);
}

/**
 * A host that has none is a site of its own: an address, a name without a dot, a public suffix itself. With the dot of the root
 * behind it a name is another one to browsers.
 */
function siteOf(hostname: string): string {
  const domain = getDomain(hostname, WHOLE_LIST);
  return domain === null ? hostname : domain + (hostname.endsWith('.') ? '.' : '');
}

/** Whether names under it belong to whoever registers them (RFC 6265 §5.3): browsers take no cookie for all of them. */
export function isPublicSuffix(domain: string): boolean {
  return getPublicSuffix(domain, WHOLE_LIST) === domain;
}

/** RFC 6265 §5.1.3. */
export function coversHost(domain: string, hostname: string): boolean {
  const bare = domain.toLowerCase().replace(/^\./, '');
  if (bare === hostname) return true;
  return hostname.endsWith(`.${bare}`) && rangeOf(hostname) === null;
}

function rangeOf(text: string): string | null {
  const bare = text.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare).range() : null;
}
