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

/** Long enough to read and to confirm a question. */
const FRESH_FOR = '5m';

/** As in `AuthController`: an alias, so that no global pipe of a host sees the class. */
type Valid<Dto> = Readonly<Dto>;

/**
 * What users do to their own account, soon after they proved who they are: an access token that somebody got hold of is not
 * enough, nor is the one of an administrator who acts for them.
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
    // Another user's cookie in this browser is none of this request's business.
    if (this.http.refreshTokenOf(request)?.sub === user.id) this.http.clearCookie(response);
  }
}
