import { compile } from 'proxy-addr';
import type { TrustProxy } from '../config/settings.js';

/**
 * Whether an address in the chain of a request belongs to a trusted proxy, decided as in Express: the first is the
 * peer's address, the others are from `X-Forwarded-For`, where some proxies append a port.
 */
export function proxyTrust(trust: TrustProxy): (address: string, hop: number) => boolean {
  if (typeof trust === 'boolean') return () => trust;
  if (typeof trust === 'number') return (_address, hop) => hop < trust;
  const isListed = compile(trust);
  return (address, hop) => address !== '' && isListed(withoutPort(address), hop);
}

function withoutPort(address: string): string {
  return address.replace(/^([\d.]+|\[[^\]]*\]):\d{1,5}$/, '$1').replace(/^\[(.*)\]$/, '$1');
}
