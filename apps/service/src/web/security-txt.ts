import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppConfig } from '../config/config.js';

const SECURITY_TXT_PATH = '/.well-known/security.txt';

/** RFC 9116 §2.5.5 recommends less than a year. */
const VALID_MS = 364 * 24 * 60 * 60 * 1000;

type Settings = Pick<AppConfig, 'securityContacts'> & { readonly issuer: string };

/** How to reach the team that runs the service about a vulnerability (RFC 9116). Valid from the start of the process. */
export function securityTxt({ securityContacts, issuer }: Settings, startedAt: Date): string {
  const lines = [
    ...securityContacts.map((contact) => `Contact: ${contact}`),
    `Expires: ${new Date(startedAt.getTime() + VALID_MS).toISOString().replace(/\.\d+Z$/, 'Z')}`,
    'Preferred-Languages: en',
    ...canonicalOf(issuer).map((url) => `Canonical: ${url}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Known where the service has an origin of its own; below a path the file of the origin is somebody else's. */
function canonicalOf(issuer: string): string[] {
  const { protocol, origin, pathname } = new URL(issuer);
  return protocol === 'https:' && pathname === '/' ? [`${origin}${SECURITY_TXT_PATH}`] : [];
}

/** Before the adapter, so that both answer the same. */
export function serveSecurityTxt(settings: Settings) {
  const body = Buffer.from(securityTxt(settings, new Date()));
  return ({ method, url = '' }: IncomingMessage, response: ServerResponse, next: () => void): void => {
    if ((method !== 'GET' && method !== 'HEAD') || url.split('?', 1)[0] !== SECURITY_TXT_PATH) return next();
    response.writeHead(200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': body.length,
      'Cache-Control': 'no-cache',
    });
    response.end(method === 'HEAD' ? undefined : body);
  };
}
