import { applyDecorators, UseFilters, UseGuards } from '@nestjs/common';
import { Public } from '../../http/decorators/public.decorator.js';
import { AuthErrorFilter } from '../../http/filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from '../../http/filters/unexpected-error.filter.js';
import { AccessTokenGuard } from '../../http/guards/jwt-auth.guard.js';
import { RequestShapeGuard } from '../../http/guards/request-shape.guard.js';
import { AdministratorGuard } from '../../http/guards/roles.guard.js';
import { type HttpRequest, sourceOf } from '../../http/http-request.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import type { Administrator } from './admin.service.js';

/**
 * For controllers of administrators. Users without the role `admin` get the same 403 for every request. The routes read no
 * cookie, so no page of another site can call them.
 */
export function AdministratorRoutes() {
  return applyDecorators(
    // Lets global guards skip these routes, like the other routes of the library.
    Public(),
    UseGuards(RequestShapeGuard, AccessTokenGuard, AdministratorGuard),
    UseFilters(UnexpectedErrorFilter, AuthErrorFilter),
  );
}

/** The administrator who sent a request. */
export function administrator({ id }: AuthenticatedUser, request: HttpRequest): Administrator {
  return { id, source: sourceOf(request) };
}
