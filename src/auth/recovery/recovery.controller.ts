import { Body, Controller, HttpCode, Post, Req, Res, type Type, UseFilters, UseGuards } from '@nestjs/common';
import { AuthHttp } from '../auth-http.js';
import { BodyValidationPipe } from '../body-validation.pipe.js';
import { Public } from '../decorators/public.decorator.js';
import { AuthErrorFilter } from '../filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from '../filters/unexpected-error.filter.js';
import { CrossSiteGuard } from '../guards/cross-site.guard.js';
import { RequestShapeGuard } from '../guards/request-shape.guard.js';
import { LoginThrottleGuard } from '../guards/throttle.guard.js';
import type { HttpRequest } from '../http-request.js';
import { EmailVerificationService } from './email-verification.service.js';
import { MailerGuard } from './mailer.guard.js';
import { PasswordResetService } from './password-reset.service.js';
import { ForgotPasswordDto, ResetPasswordDto, VerifyEmailDto } from './recovery.dto.js';

/** As in `AuthController`: an alias, so that no global pipe of a host sees the class. */
type Valid<Dto> = Readonly<Dto>;

/** What is done by links out of a user's mail. */
@Public()
@UseGuards(RequestShapeGuard, MailerGuard, CrossSiteGuard, LoginThrottleGuard)
@UseFilters(AuthErrorFilter, UnexpectedErrorFilter)
export abstract class RecoveryController {
  constructor(
    private readonly passwords: PasswordResetService,
    private readonly emails: EmailVerificationService,
    private readonly http: AuthHttp,
  ) {}

  @Post('forgot-password')
  @HttpCode(202)
  forgotPassword(
    @Body(new BodyValidationPipe(ForgotPasswordDto)) { email }: Valid<ForgotPasswordDto>,
    @Req() request: HttpRequest,
  ): void {
    this.passwords.request(email, this.http.sourceOf(request));
  }

  @Post('reset-password')
  @HttpCode(204)
  async resetPassword(
    @Body(new BodyValidationPipe(ResetPasswordDto)) { token, newPassword }: Valid<ResetPasswordDto>,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const reset = await this.passwords.reset(token, newPassword, this.http.sourceOf(request));
    this.http.keepKnown(reset, request, response);
  }

  @Post('verify-email')
  @HttpCode(204)
  async verifyEmail(
    @Body(new BodyValidationPipe(VerifyEmailDto)) { token }: Valid<VerifyEmailDto>,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.emails.verify(token, this.http.sourceOf(request));
  }
}

/** The controller under a prefix: a class of its own, as `authControllerAt`. */
export function recoveryControllerAt(prefix: string): Type<RecoveryController> {
  @Controller(prefix)
  class PrefixedRecoveryController extends RecoveryController {}
  return PrefixedRecoveryController;
}
