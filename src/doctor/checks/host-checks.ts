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
        'X-Forwarded-For is believed from anybody: who writes one has an address of his choice, for the limits of attempts and in the audit log',
      mend: 'trust what stands in front of the service alone: the addresses of the proxies, or how many there are',
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
        'requests come through a proxy nearby whose X-Forwarded-For is not believed: all clients have its address, and share one limit of attempts',
      mend: "trust that proxy by its address or network: app.set('trust proxy', …) on Express, trustProxy on Fastify",
    },
  ];
}

/** Where the paths are equal, one of the two is never asked, whichever it is. */
export function shadowedRoutes({ host }: DoctorFacts): Observation[] {
  return host.shadowedRoutes.map(({ method, path, by }) => ({
    code: 'routes.shadowed',
    subject: `${method} ${path}`,
    message:
      by === path
        ? 'two controllers of the application serve this route, and Express asks only the one that was registered first'
        : `another controller of the application has the route ${by}, which was registered first and gets these requests`,
    mend: 'give the other controller another path, or AuthModule another routePrefix',
  }));
}

export function issuer({ options }: DoctorFacts): Observation[] {
  const { protocol, hostname } = new URL(options.issuer);
  if (isLocal(hostname))
    return [
      {
        code: 'issuer.local',
        subject: 'issuer',
        message: `'${options.issuer}' is this machine for whoever reads it: tokens do not tell who issued them, and nobody else finds the key set`,
        mend: 'set it to the public URL of the service; tokens of the old one are refused from then on',
      },
    ];
  if (protocol === 'https:') return [];
  return [
    {
      code: 'issuer.insecure',
      subject: 'issuer',
      message: 'over plain HTTP tokens and passwords are read by anybody on the way (RFC 6749 §1.6)',
      mend: 'serve HTTPS, and name the https URL; tokens of the old one are refused from then on',
    },
  ];
}

/** A service with a public issuer is reached by others. */
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
      message: `the issuer is public (${hostname}), and NODE_ENV is ${facts.environment ?? 'not set'}: frameworks show more of their errors, and much of what is wrong in production is not told here`,
      mend: 'set NODE_ENV=production',
    },
  ];
}
