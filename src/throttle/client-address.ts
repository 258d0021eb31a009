import ipaddr from 'ipaddr.js';

/** What stands for one client: an IPv4 address, or the /64 that an IPv6 subscriber has to himself. */
export function clientAddress(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  return address.kind() === 'ipv4'
    ? address.toString()
    : `${address.toNormalizedString().split(':').slice(0, 4).join(':')}::/64`;
}
