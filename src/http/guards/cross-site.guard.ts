import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { originMatcher } from '../../options/trusted-origins.options.js';
import { headerOf, type HttpRequest, requestOf } from '../http-request.js';
import { RefusingGuard } from './refusing.guard.js';

/** Maximum length of an origin in the log. */
const MAX_ORIGIN_LENGTH = 100;

/**
 * For routes that read or set the refresh cookie: admits only the service's own pages and trusted origins. Requests without
 * `Origin` and `Sec-Fetch-Site` do not come from a browser, so they have no ambient cookie.
 * @throws AuthError `CROSS_SITE_REQUEST`
 */
@Injectable()
export class CrossSiteGuard extends RefusingGuard {
  private readonly issuer: URL;
  private readonly isTrusted: (origin: string) => boolean;

  constructor(@Inject(AUTH_OPTIONS) { issuer, trustedOrigins }: ResolvedAuthOptions) {
    super();
    this.issuer = new URL(issuer);
    this.isTrusted = originMatcher(trustedOrigins);
  }

  protected override admit(context: ExecutionContext): void {
    const request = requestOf(context);
    const origin = headerOf(request, 'origin');
    const site = headerOf(request, 'sec-fetch-site');
    // The browser compared the page with the requested URL, so a proxy's `Host` does not matter. Scripts cannot set this header.
    if (site === 'same-origin') return;
    const isForeign = origin !== null && !this.isOwn(origin, request);
    const isFromElsewhere = site === 'cross-site' || site === 'same-site';
    if (!isForeign && !isFromElsewhere) return;
    if (origin !== null && this.isTrusted(origin)) return;
    throw new AuthError('CROSS_SITE_REQUEST', {
      detail: `origin ${shown(origin, MAX_ORIGIN_LENGTH)}, sec-fetch-site ${shown(site, 20)}; if this is a front end of yours, ${advice(origin)}`,
    });
  }

  private isOwn(origin: string, { protocol, host }: HttpRequest): boolean {
    const page = parsed(origin);
    if (page === null) return false;
    // Does not depend on the `Host` that a proxy wrote.
    if (page.origin === this.issuer.origin) return true;
    // If the service has HTTPS, an attacker on the network can still forge pages of its plain HTTP host.
    const isPlainIssuer = this.issuer.protocol === 'https:' && page.hostname === this.issuer.hostname;
    if (page.protocol === 'http:' && isPlainIssuer) return false;
    return page.origin === parsed(`${protocol}://${host}`)?.origin;
  }
}

/** The URL of a web origin; null for anything else, such as the opaque origin `null`. */
function parsed(origin: string): URL | null {
  if (!/^https?:\/\/[^\s/?#@,*]+$/i.test(origin) || !URL.canParse(origin)) return null;
  return new URL(origin);
}

/** Advice for the operator, with an option to copy. */
function advice(origin: string | null): string {
  const page = parsed(origin ?? '')?.origin;
  const isShown = page !== undefined && page.length <= MAX_ORIGIN_LENGTH;
  return isShown ? `add its origin: trustedOrigins: ['${page}']` : 'name its origin in trustedOrigins';
}

/** A header value for the log. */
function shown(value: string | null, maxLength: number): string {
  return value === null ? 'none' : printable(value.slice(0, maxLength));
}
