import { type DoctorFacts, isProduction } from './facts.js';
import type { Observation } from './finding.js';
import { isInternalName, isLocal } from './site.js';

export function proxyTrust({ host }: DoctorFacts): Observation[] {
  if (host.proxyTrust !== 'all') return [];
  return [
    {
      code: 'proxy.trusts-all',
      subject: 'trust proxy',
      message:
        'X-Forwarded-For is trusted from anybody: a client that sends it chooses its own address for the throttle and the audit log',
      fix: 'trust only the proxies in front of the service: give their addresses, or their number',
    },
  ];
}

export function ignoredProxy({ host }: DoctorFacts): Observation[] {
  if (!host.hasIgnoredProxy) return [];
  return [
    {
      code: 'proxy.not-trusted',
      subject: 'trust proxy',
      message:
        'requests come through a nearby proxy whose X-Forwarded-For is not trusted: all clients have its address, and share one limit of attempts',
      fix: "trust that proxy by its address or network: app.set('trust proxy', …) on Express, trustProxy on Fastify",
    },
  ];
}

/** If the paths are equal, one of the two routes never gets a request, but it is unknown which. */
export function shadowedRoutes({ host }: DoctorFacts): Observation[] {
  return host.shadowedRoutes.map(({ method, path, by }) => ({
    code: 'routes.shadowed',
    subject: `${method} ${path}`,
    message:
      by === path
        ? 'two controllers of the application serve this route, and Express calls only the one that was registered first'
        : `another controller of the application has the route ${by}, which was registered first and gets these requests`,
    fix: 'change the path of the other controller, or the routePrefix of AuthModule',
  }));
}

export function issuer({ options }: DoctorFacts): Observation[] {
  const { protocol, hostname } = new URL(options.issuer);
  if (isLocal(hostname))
    return [
      {
        code: 'issuer.local',
        subject: 'issuer',
        message: `'${options.issuer}' means the local machine to every reader: tokens do not identify who issued them, and other machines cannot find the key set`,
        fix: 'set it to the public URL of the service; tokens with the old issuer are then refused',
      },
    ];
  if (protocol === 'https:') return [];
  return [
    {
      code: 'issuer.insecure',
      subject: 'issuer',
      message:
        'anybody on the network can read tokens and passwords that are sent over plain HTTP (RFC 6749 §1.6)',
      fix: 'serve HTTPS, and use the https URL; tokens with the old issuer are then refused',
    },
  ];
}

/** A service with a public issuer is probably in production. */
export function notProduction(facts: DoctorFacts): Observation[] {
  const { protocol, hostname } = new URL(facts.options.issuer);
  if (
    isProduction(facts) ||
    facts.environment === 'test' ||
    protocol !== 'https:' ||
    isInternalName(hostname)
  )
    return [];
  return [
    {
      code: 'environment.not-production',
      subject: 'NODE_ENV',
      message: `the issuer is public (${hostname}), and NODE_ENV is ${facts.environment ?? 'not set'}: frameworks reveal more about their errors, and many production findings are not reported here`,
      fix: 'set NODE_ENV=production',
    },
  ];
}
