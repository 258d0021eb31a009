import { Body, Delete, Get, HttpCode, Param, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { BodyValidationPipe } from '../../http/body-validation.pipe.js';
import { CurrentUser } from '../../http/decorators/current-user.decorator.js';
import { Public } from '../../http/decorators/public.decorator.js';
import { AuthErrorFilter } from '../../http/filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from '../../http/filters/unexpected-error.filter.js';
import { CrossSiteGuard } from '../../http/guards/cross-site.guard.js';
import { AccessTokenGuard } from '../../http/guards/jwt-auth.guard.js';
import { JwtRefreshGuard } from '../../http/guards/jwt-refresh.guard.js';
import { OwnerGuard } from '../../http/guards/owner.guard.js';
import { RequestShapeGuard } from '../../http/guards/request-shape.guard.js';
import { LoginThrottleGuard, RefreshThrottleGuard } from '../../http/guards/throttle.guard.js';
import { type HttpRequest, sourceOf } from '../../http/http-request.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { AuthService } from './auth.service.js';
import { AuthHttp } from './auth-http.js';
import type { ProfileAnswer, SessionAnswer, TokenAnswer } from './dto/answers.js';
import { ChangePasswordDto, LoginDto, LogoutDto, ReauthenticateDto, RefreshDto } from './dto/auth.dto.js';
import { type RegistrationBody, RegistrationPipe } from './registration.pipe.js';

/**
 * A validated body. An alias on purpose: if the parameter had the class as its type, Nest would pass the class to global
 * pipes of the host, which would check and convert the body first.
 */
type Valid<Dto> = Readonly<Dto>;

/** The main routes. They contain no logic; services make all decisions. */
// A global JwtAuthGuard skips these routes. Each lists the guards that it needs, in the order of the contract.
@Public()
@UseGuards(RequestShapeGuard)
// Also here, so that filters of a host do not run first.
@UseFilters(UnexpectedErrorFilter, AuthErrorFilter)
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
  ) {}

  @Post('register')
  @UseGuards(CrossSiteGuard, LoginThrottleGuard)
  async register(
    @Body(RegistrationPipe) body: RegistrationBody,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer | undefined> {
    const { email, password, name, fields, transport, ...device } = body;
    const registration = { email, password, name: name ?? undefined, fields };
    const session = { transport: transport ?? 'cookie', ...device };
    const grant = await this.auth.register(registration, session, this.http.clientOf(request));
    return grant ? this.http.welcome(grant, request, response) : this.http.accepted(response);
  }

  @Post('login')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, LoginThrottleGuard)
  async login(
    @Body(new BodyValidationPipe(LoginDto)) body: Valid<LoginDto>,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const { email, password, transport, ...device } = body;
    const session = { transport: transport ?? 'cookie', ...device };
    const grant = await this.auth.login(email, password, session, this.http.clientOf(request));
    return this.http.welcome(grant, request, response);
  }

  @Post('refresh')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, RefreshThrottleGuard, JwtRefreshGuard)
  async refresh(
    @Body(new BodyValidationPipe(RefreshDto)) fields: Valid<RefreshDto>,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const token = request.refreshToken;
    if (!token) throw new Error('JwtRefreshGuard sets the refresh token');
    const client = this.http.clientOf(request);
    try {
      return this.http.answer(await this.auth.refresh(token, client, fields), response);
    } catch (error) {
      this.http.refused(error, token.sid, client, response);
      throw error;
    }
  }

  @Post('logout')
  @HttpCode(204)
  @UseGuards(CrossSiteGuard)
  async logout(
    @Body(new BodyValidationPipe(LogoutDto)) _body: Valid<LogoutDto>,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    await this.auth.logout(this.http.tokensOf(request), sourceOf(request));
    this.http.clearCookie(response, request);
  }

  @Post('logout-all')
  @HttpCode(204)
  @UseGuards(CrossSiteGuard, AccessTokenGuard, OwnerGuard)
  async logoutAll(
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    await this.auth.logoutEverywhere(user.id, sourceOf(request));
    // Do not clear a cookie that belongs to another user in this browser.
    if (this.http.refreshTokenOf(request)?.sub === user.id) this.http.clearCookie(response);
  }

  @Post('change-password')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, LoginThrottleGuard, AccessTokenGuard, OwnerGuard)
  async changePassword(
    @Body(new BodyValidationPipe(ChangePasswordDto)) body: Valid<ChangePasswordDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const grant = await this.auth.changePassword(user, body, this.http.clientOf(request));
    return this.http.welcome(grant, request, response);
  }

  @Post('reauthenticate')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, LoginThrottleGuard, AccessTokenGuard, OwnerGuard)
  async reauthenticate(
    @Body(new BodyValidationPipe(ReauthenticateDto)) { password }: Valid<ReauthenticateDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const grant = await this.auth.reauthenticateByPassword(user, password, this.http.clientOf(request));
    return this.http.answer(grant, response);
  }

  @Get('me')
  @UseGuards(AccessTokenGuard)
  async me(@CurrentUser() { id, claims, actor }: AuthenticatedUser): Promise<ProfileAnswer> {
    const profile = await this.auth.me(id, claims);
    return actor ? { ...profile, actor } : profile;
  }

  @Get('sessions')
  @UseGuards(AccessTokenGuard)
  async sessions(@CurrentUser() user: AuthenticatedUser): Promise<SessionAnswer[]> {
    return this.auth.sessions(user.id, user.session.id);
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @UseGuards(AccessTokenGuard, OwnerGuard)
  async endSession(
    @CurrentUser() user: AuthenticatedUser,
    @Param('id') id: string,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.auth.endSession(user.id, id, sourceOf(request));
  }

  @Delete('sessions')
  @HttpCode(204)
  @UseGuards(AccessTokenGuard, OwnerGuard)
  async endOtherSessions(@CurrentUser() user: AuthenticatedUser, @Req() request: HttpRequest): Promise<void> {
    await this.auth.endOtherSessions(user, sourceOf(request));
  }
}
