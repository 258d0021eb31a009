import { networkOf } from '../core/network.js';

/** What stands for one client: an IPv4 address, or the /64 that an IPv6 subscriber has to himself. */
export function clientAddress(ip: string): string {
  return networkOf(ip, { ipv4: 32, ipv6: 64 })?.replace(/\/32$/, '') ?? 'unknown';
}
