import { applyDecorators, UseFilters, UseGuards } from '@nestjs/common';
import { Public } from '../../http/decorators/public.decorator.js';
import { AuthErrorFilter } from '../../http/filters/auth-error.filter.js';
import { CrossSiteGuard } from '../../http/guards/cross-site.guard.js';
import { LoginThrottleGuard } from '../../http/guards/throttle.guard.js';

/**
 * Guards for a host's own login route, as on the library's: no access token, only the service's own and trusted pages (a
 * login from another site would log the visitor into somebody else's account), a limit per address, and the library's error
 * responses.
 * @param options `isCallback`: another service, such as an OpenID provider, redirects the browser to this route. Such
 * requests come from another site, so the host has to check their `state`.
 *
 * @example
 * @Post('login/otp')
 * @LoginRoute()
 */
export function LoginRoute({ isCallback = false }: { readonly isCallback?: boolean } = {}) {
  const guards = isCallback ? [LoginThrottleGuard] : [CrossSiteGuard, LoginThrottleGuard];
  return applyDecorators(Public(), UseGuards(...guards), UseFilters(AuthErrorFilter));
}
