import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** How many leading bits of an address make its network. */
export interface NetworkPrefix {
  readonly ipv4: number;
  readonly ipv6: number;
}

/**
 * How networks of clients are told apart. An IPv6 host changes the lower 64 bits of its address every day (RFC 8981), so its
 * /64 is what stays. Of IPv4 the /24 is the least that providers route: neighbours in it are one site or one pool of a
 * carrier, from which a phone gets another address at every turn.
 */
export const CLIENT_NETWORK: NetworkPrefix = { ipv4: 24, ipv6: 64 };

/**
 * The network of an address, in one spelling; null where the text is no address. An IPv4 address within IPv6 is IPv4: one
 * that the system maps, and one that a translator writes into its prefix (64:ff9b::/96, RFC 6052).
 */
export function networkOf(ip: string, prefix: NetworkPrefix): string | null {
  if (!ipaddr.isValid(ip)) return null;
  const address = unwrapped(ipaddr.process(ip));
  const bits = address.kind() === 'ipv4' ? prefix.ipv4 : prefix.ipv6;
  const bytes = address.toByteArray().map((byte, index) => byte & mask(bits - 8 * index));
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}

/** Longer than the longest address, with brackets, zone and port. */
const MAX_ADDRESS = 96;
/** Before an IPv4 address, as a socket of both families has it (RFC 4291 §2.5.5.2). */
const MAPPED = '::ffff:';
/** `192.0.2.1:5123`, `[2001:db8::1]:5123`, `[2001:db8::1]`, and an address of eight groups with a port as the ninth. */
const WITH_PORT =
  /^(?:([\d.]+):\d{1,5}|\[([^\]]+)\](?::\d{1,5})?|((?:[\da-f]{1,4}:){7}[\da-f]{1,4}):\d{1,5})$/i;

/**
 * The address in a text, in its usual form; null where it is none. Proxies also write it with a port, in brackets, in
 * quotes (RFC 7239 §6), or as an IPv4 address within IPv6.
 */
export function readAddress(text: string): string | null {
  // What nearly every request brings; Node.js takes an IPv4 address in its usual form alone.
  const ipv4 = text.startsWith(MAPPED) ? text.slice(MAPPED.length) : text;
  if (isIPv4(ipv4)) return ipv4;
  if (text.length > MAX_ADDRESS) return null;
  const bare = text.trim().replace(/^"(.*)"$/, '$1');
  const [, ...found] = WITH_PORT.exec(bare) ?? [];
  const address = found.find((part) => part !== undefined) ?? bare;
  // Node.js takes a zone (RFC 4007 §11) that the library refuses; the library takes numbers that are no address.
  return isIP(address) !== 0 && ipaddr.isValid(address) ? ipaddr.process(address).toString() : null;
}

/** One client: an IPv4 address, or the /64 of an IPv6 subscriber. */
export function clientAddress(ip: string): string {
  return networkOf(ip, { ipv4: 32, ipv6: 64 })?.replace(/\/32$/, '') ?? 'unknown';
}

function unwrapped(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  const isTranslated = address.kind() === 'ipv6' && address.match(TRANSLATED);
  return isTranslated ? ipaddr.fromByteArray(address.toByteArray().slice(12)) : address;
}
const TRANSLATED = ipaddr.parseCIDR('64:ff9b::/96');

/** Of one byte, so many leading bits. */
function mask(bits: number): number {
  return (0xff00 >> Math.min(Math.max(bits, 0), 8)) & 0xff;
}

/** Whether an address is of a private network, where a proxy is, and a stranger is not. */
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
