import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Number of leading bits of an address that make up its network. */
export interface NetworkPrefix {
  readonly ipv4: number;
  readonly ipv6: number;
}

/**
 * The networks by which clients are distinguished. An IPv6 host changes the lower 64 bits of its address every day (RFC 8981),
 * so only its /64 is stable. For IPv4, /24 is the smallest network that providers route: its addresses belong to one site,
 * or to the pool of a carrier, from which a phone gets a new address again and again.
 */
export const CLIENT_NETWORK: NetworkPrefix = { ipv4: 24, ipv6: 64 };

/**
 * The network of an address, in canonical spelling; null if the text is not an address. An IPv4 address within IPv6 counts as
 * IPv4: mapped by the system (::ffff:0:0/96) or translated by NAT64 (64:ff9b::/96, RFC 6052).
 */
export function networkOf(ip: string, prefix: NetworkPrefix): string | null {
  if (!ipaddr.isValid(ip)) return null;
  const address = unwrapped(ipaddr.process(ip));
  const bits = address.kind() === 'ipv4' ? prefix.ipv4 : prefix.ipv6;
  const bytes = address.toByteArray().map((byte, index) => byte & mask(bits - 8 * index));
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}

/** Longer than any address with brackets, zone and port. */
const MAX_ADDRESS = 96;
/** Prefix of an IPv4 address on a dual-stack socket (RFC 4291 §2.5.5.2). */
const MAPPED = '::ffff:';
/** `192.0.2.1:5123`, `[2001:db8::1]:5123`, `[2001:db8::1]`, and an address of eight groups with a port as the ninth. */
const WITH_PORT =
  /^(?:([\d.]+):\d{1,5}|\[([^\]]+)\](?::\d{1,5})?|((?:[\da-f]{1,4}:){7}[\da-f]{1,4}):\d{1,5})$/i;

/**
 * The address in a text, in its usual form; null if there is none. Proxies also write it with a port, in brackets, in
 * quotes (RFC 7239 §6), or as an IPv4 address within IPv6.
 */
export function readAddress(text: string): string | null {
  // Fast path for nearly every request: `isIPv4` accepts only the usual form of an IPv4 address.
  const ipv4 = text.startsWith(MAPPED) ? text.slice(MAPPED.length) : text;
  if (isIPv4(ipv4)) return ipv4;
  if (text.length > MAX_ADDRESS) return null;
  const bare = text.trim().replace(/^"(.*)"$/, '$1');
  const [, ...found] = WITH_PORT.exec(bare) ?? [];
  const address = found.find((part) => part !== undefined) ?? bare;
  // `isIP` accepts zones (RFC 4007 §11), which ipaddr.js refuses; ipaddr.js accepts bare numbers, which are not addresses.
  return isIP(address) !== 0 && ipaddr.isValid(address) ? ipaddr.process(address).toString() : null;
}

/** The part of an address that identifies one client: an IPv4 address, or the /64 of an IPv6 subscriber. */
export function clientAddress(ip: string): string {
  return networkOf(ip, { ipv4: 32, ipv6: 64 })?.replace(/\/32$/, '') ?? 'unknown';
}

function unwrapped(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  const isTranslated = address.kind() === 'ipv6' && address.match(TRANSLATED);
  return isTranslated ? ipaddr.fromByteArray(address.toByteArray().slice(12)) : address;
}
const TRANSLATED = ipaddr.parseCIDR('64:ff9b::/96');

/** A byte with the given number of leading bits set. */
function mask(bits: number): number {
  return (0xff00 >> Math.min(Math.max(bits, 0), 8)) & 0xff;
}

/** Whether an address is in a private network: proxies are, clients from the internet are not. */
export function isNearby(address: string): boolean {
  return ipaddr.isValid(address) && NEARBY.has(ipaddr.process(address).range());
}
const NEARBY: ReadonlySet<string> = new Set([
  'loopback',
  'private',
  'uniqueLocal',
  'linkLocal',
  'carrierGradeNat',
]);
