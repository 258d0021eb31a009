import { Body, Delete, HttpCode, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { BodyValidationPipe } from '../../http/body-validation.pipe.js';
import { CurrentUser } from '../../http/decorators/current-user.decorator.js';
import { Public } from '../../http/decorators/public.decorator.js';
import { RequireFreshAuth } from '../../http/decorators/require-fresh-auth.decorator.js';
import { AuthErrorFilter } from '../../http/filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from '../../http/filters/unexpected-error.filter.js';
import { CrossSiteGuard } from '../../http/guards/cross-site.guard.js';
import { AccessTokenGuard } from '../../http/guards/jwt-auth.guard.js';
import { RequestShapeGuard } from '../../http/guards/request-shape.guard.js';
import { LoginThrottleGuard } from '../../http/guards/throttle.guard.js';
import type { HttpRequest } from '../../http/http-request.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { AuthHttp } from '../session/auth-http.js';
import { ChangeEmailDto, DeleteAccountDto } from './account.dto.js';
import { AccountService } from './account.service.js';

/** Long enough to read and confirm a dialog. */
const FRESH_FOR = '5m';

/** An alias, so that global pipes of a host do not see the class; see `AuthController`. */
type Valid<Dto> = Readonly<Dto>;

/**
 * Changes that users make to their own account. They must have authenticated recently: a stolen access token is not
 * enough, and neither is the token of an administrator who acts for them.
 */
@Public()
@RequireFreshAuth(FRESH_FOR)
@UseGuards(RequestShapeGuard, CrossSiteGuard, LoginThrottleGuard, AccessTokenGuard)
@UseFilters(UnexpectedErrorFilter, AuthErrorFilter)
export class AccountController {
  constructor(
    private readonly account: AccountService,
    private readonly http: AuthHttp,
  ) {}

  @Post('change-email')
  @HttpCode(202)
  async changeEmail(
    @Body(new BodyValidationPipe(ChangeEmailDto)) body: Valid<ChangeEmailDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.account.changeEmail(user, body, this.http.clientOf(request));
  }

  @Delete('me')
  @HttpCode(204)
  async remove(
    @Body(new BodyValidationPipe(DeleteAccountDto)) { currentPassword }: Valid<DeleteAccountDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    await this.account.remove(user, currentPassword, this.http.clientOf(request));
    // Do not clear a cookie that belongs to another user in this browser.
    if (this.http.refreshTokenOf(request)?.sub === user.id) this.http.clearCookie(response);
  }
}
