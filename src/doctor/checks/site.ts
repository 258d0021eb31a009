import ipaddr from 'ipaddr.js';
import { getDomain, getPublicSuffix } from 'tldts';

/** Hosts that browsers trust and that only this machine can reach. */
export function isLocal(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true;
  return rangeOf(hostname) === 'loopback';
}

/** Names in private networks: without a top-level domain, or with a reserved one. */
export function isInternalName(hostname: string): boolean {
  if (rangeOf(hostname) !== null) return rangeOf(hostname) !== 'unicast';
  return (
    !hostname.includes('.') || /\.(?:local|localhost|test|internal|lan|home\.arpa|invalid)$/.test(hostname)
  );
}

/** Includes the private part of the list, as browsers do: customers of one hosting company have different sites. */
const WHOLE_LIST = { allowPrivateDomains: true, validateHostname: false };

/** Whether two origins have different sites for `SameSite`: scheme and registrable domain. */
export function areOtherSites(one: URL, other: URL): boolean {
  return one.protocol !== other.protocol || siteOf(one.hostname) !== siteOf(other.hostname);
}

/**
 * A host without a registrable domain is its own site: an address, a name without a dot, a public suffix. For browsers, a
 * trailing dot makes a different name.
 */
function siteOf(hostname: string): string {
  const domain = getDomain(hostname, WHOLE_LIST);
  return domain === null ? hostname : domain + (hostname.endsWith('.') ? '.' : '');
}

/** Whether anybody can register names under it (RFC 6265 §5.3): browsers refuse a cookie for all of them. */
export function isPublicSuffix(domain: string): boolean {
  return getPublicSuffix(domain, WHOLE_LIST) === domain;
}

/** Domain matching of RFC 6265 §5.1.3. */
export function coversHost(domain: string, hostname: string): boolean {
  const bare = domain.toLowerCase().replace(/^\./, '');
  if (bare === hostname) return true;
  return hostname.endsWith(`.${bare}`) && rangeOf(hostname) === null;
}

function rangeOf(text: string): string | null {
  const bare = text.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare).range() : null;
}
