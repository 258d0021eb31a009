import type { DoctorFacts } from './facts.js';
import type { Observation } from './finding.js';
import { areOtherSites, coversHost, isInternalName, isLocal, isPublicSuffix } from './site.js';

export function cookieDomain({ options }: DoctorFacts): Observation[] {
  const { domain } = options.refreshToken.cookie;
  if (domain === null) return [];
  const { hostname } = new URL(options.issuer);
  const subject = 'refreshToken.cookie.domain';
  if (!coversHost(domain, hostname))
    return [
      {
        code: 'cookie.domain',
        subject,
        message: `browsers refuse a cookie of '${domain}' from '${hostname}', the host of the issuer`,
        fix: `leave it out, or name '${hostname}' or a domain above it; or correct the issuer`,
      },
    ];
  const bare = domain.replace(/^\./, '').toLowerCase();
  // A domain that is the host itself counts as the exact host (RFC 6265 §5.3), such as localhost.
  if (!isPublicSuffix(bare) || bare === hostname) return [];
  return [
    {
      code: 'cookie.domain',
      subject,
      message: `browsers refuse a cookie for all of '${domain}', because other people can register names under it`,
      fix: 'leave it out: the cookie is then for the exact host',
    },
  ];
}

export function secureCookie({ options }: DoctorFacts): Observation[] {
  const { protocol, hostname } = new URL(options.issuer);
  const subject = 'refreshToken.cookie.secure';
  const { secure } = options.refreshToken.cookie;
  if (!secure)
    return [
      {
        code: 'cookie.not-secure',
        subject,
        message:
          'the refresh cookie is also sent over plain HTTP, where anybody on the network can read and set it',
        fix: 'leave it at true, and serve HTTPS',
      },
    ];
  if (protocol !== 'http:') return [];
  if (isLocal(hostname))
    return [
      {
        code: 'cookie.secure-on-localhost',
        subject,
        message:
          'Safari refuses Secure cookies over http, even from localhost, so refreshes fail there; other browsers accept them',
        fix: 'set it to false in development',
      },
    ];
  return [
    {
      code: 'cookie.secure-on-http',
      subject,
      message: `the issuer is served over http, and browsers refuse a Secure cookie from '${hostname}': every refresh fails`,
      fix: 'serve HTTPS and use the https URL as the issuer; only in development, set it to false',
    },
  ];
}

/** The trusted origins; empty if the host gives a function, whose answers are unknown. */
export function listed({ trustedOrigins }: DoctorFacts['options']): readonly string[] {
  return typeof trustedOrigins === 'function' ? [] : trustedOrigins;
}

/** Requests from another site carry no cookie, whatever CORS allows (RFC 6265bis §5.2). */
export function otherSites({ options }: DoctorFacts): Observation[] {
  const { sameSite } = options.refreshToken.cookie;
  if (sameSite === 'none') return [];
  const issuer = new URL(options.issuer);
  return listed(options)
    .filter((origin) => /^https?:/.test(origin) && areOtherSites(new URL(origin), issuer))
    .map((origin) => ({
      code: 'cookie.other-site',
      subject: `trustedOrigins ${origin}`,
      message: `its pages belong to another site than the issuer (${issuer.origin}), and browsers send no SameSite=${sameSite} cookie from another site: their refreshes fail`,
      fix: `serve both from one site with the same scheme (app.example.com and api.example.com), or set refreshToken.cookie.sameSite to 'none'; clients with body transport do not need the cookie`,
    }));
}

export function insecureOrigins({ options }: DoctorFacts): Observation[] {
  return listed(options)
    .filter((origin) => origin.startsWith('http:') && !isInternalName(new URL(origin).hostname))
    .map((origin) => ({
      code: 'origins.insecure',
      subject: `trustedOrigins ${origin}`,
      message:
        'anybody on the network can inject a script into a page served over plain HTTP, and the script is then trusted',
      fix: 'serve these pages over HTTPS, and trust only the https origin',
    }));
}
