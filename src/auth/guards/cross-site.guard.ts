import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../core/options/resolve-options.js';
import { headerOf, type HttpRequest, requestOf } from '../http-request.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * On routes that read or set the refresh cookie: only the service's own pages and trusted origins. Requests without
 * `Origin` and `Sec-Fetch-Site` do not come from a browser and carry no ambient cookie.
 * @throws AuthError `CROSS_SITE_REQUEST`
 */
@Injectable()
export class CrossSiteGuard extends RefusingGuard {
  private readonly issuer: URL;

  constructor(@Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions) {
    super();
    this.issuer = new URL(options.issuer);
  }

  protected override admit(context: ExecutionContext): void {
    const request = requestOf(context);
    const origin = headerOf(request, 'origin');
    const site = headerOf(request, 'sec-fetch-site');
    const isTrusted = origin !== null && this.options.trustedOrigins.has(origin);
    const isForeign = origin !== null && !this.isOwn(origin, request);
    const isFromElsewhere = site === 'cross-site' || site === 'same-site';
    if ((isForeign || isFromElsewhere) && !isTrusted)
      throw new AuthError('CROSS_SITE_REQUEST', {
        detail: `origin ${origin?.slice(0, 100)}, sec-fetch-site ${site?.slice(0, 20)}`,
      });
  }

  private isOwn(origin: string, { protocol, host }: HttpRequest): boolean {
    // Behind a proxy that ends TLS the request looks like plain HTTP; the issuer then tells the scheme of this very host.
    return origin === `${protocol}://${host}` || (origin === this.issuer.origin && host === this.issuer.host);
  }
}
