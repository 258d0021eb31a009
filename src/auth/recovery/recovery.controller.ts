import { Body, HttpCode, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { BodyValidationPipe } from '../../http/body-validation.pipe.js';
import { Public } from '../../http/decorators/public.decorator.js';
import { AuthErrorFilter } from '../../http/filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from '../../http/filters/unexpected-error.filter.js';
import { CrossSiteGuard } from '../../http/guards/cross-site.guard.js';
import { RequestShapeGuard } from '../../http/guards/request-shape.guard.js';
import { LoginThrottleGuard } from '../../http/guards/throttle.guard.js';
import { type HttpRequest, sourceOf } from '../../http/http-request.js';
import { AuthHttp } from '../session/auth-http.js';
import { EmailVerificationService } from '../verification/email-verification.service.js';
import { MailerGuard } from './mailer.guard.js';
import { PasswordResetService } from './password-reset.service.js';
import { ForgotPasswordDto, ResetPasswordDto, VerifyEmailDto } from './recovery.dto.js';

/** An alias, so that global pipes of a host do not see the class; see `AuthController`. */
type Valid<Dto> = Readonly<Dto>;

/** Routes for requesting and using mailed links. */
@Public()
@UseGuards(RequestShapeGuard, MailerGuard, CrossSiteGuard, LoginThrottleGuard)
@UseFilters(UnexpectedErrorFilter, AuthErrorFilter)
export class RecoveryController {
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
    this.passwords.request(email, sourceOf(request));
  }

  @Post('reset-password')
  @HttpCode(204)
  async resetPassword(
    @Body(new BodyValidationPipe(ResetPasswordDto)) { token, newPassword }: Valid<ResetPasswordDto>,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const reset = await this.passwords.reset(token, newPassword, this.http.clientOf(request));
    this.http.trustDevice(reset, request, response);
  }

  @Post('verify-email')
  @HttpCode(204)
  async verifyEmail(
    @Body(new BodyValidationPipe(VerifyEmailDto)) { token }: Valid<VerifyEmailDto>,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.emails.verify(token, sourceOf(request));
  }
}
