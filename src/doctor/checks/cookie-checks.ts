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
        mend: `leave it out, or name '${hostname}' or a domain above it; or correct the issuer`,
      },
    ];
  const bare = domain.replace(/^\./, '').toLowerCase();
  // A domain that is the host itself counts as the exact host (RFC 6265 §5.3), such as localhost.
  if (!isPublicSuffix(bare) || bare === hostname) return [];
  return [
    {
      code: 'cookie.domain',
      subject,
      message: `browsers refuse a cookie for the whole of '${domain}': it is no domain of yours alone`,
      mend: 'leave it out: the cookie is then for the exact host',
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
          'the refresh cookie also travels over plain HTTP, where anybody on the way reads it and can set it',
        mend: 'leave it at true, and serve HTTPS',
      },
    ];
  if (protocol !== 'http:') return [];
  if (isLocal(hostname))
    return [
      {
        code: 'cookie.secure-on-localhost',
        subject,
        message:
          'Safari refuses Secure cookies over http, from localhost too: refreshes fail there; other browsers take them',
        mend: 'in development set it to false',
      },
    ];
  return [
    {
      code: 'cookie.secure-on-http',
      subject,
      message: `the issuer is served over http, and browsers refuse a Secure cookie from '${hostname}': every refresh fails`,
      mend: 'serve HTTPS and name it in the issuer; only in development, set it to false',
    },
  ];
}

/** What a function of the host trusts is not known. */
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
      message: `its pages are of another site than the issuer (${issuer.origin}), and to those browsers send no cookie of SameSite=${sameSite}: their refreshes fail`,
      mend: `serve both from one site and by one scheme (app.example.com and api.example.com), or set refreshToken.cookie.sameSite to 'none'; clients of body transport do not need the cookie`,
    }));
}

export function insecureOrigins({ options }: DoctorFacts): Observation[] {
  return listed(options)
    .filter((origin) => origin.startsWith('http:') && !isInternalName(new URL(origin).hostname))
    .map((origin) => ({
      code: 'origins.insecure',
      subject: `trustedOrigins ${origin}`,
      message:
        'anybody on the way can put a script into a page that came over plain HTTP, and is trusted with it',
      mend: 'serve these pages over HTTPS, and trust that origin alone',
    }));
}
