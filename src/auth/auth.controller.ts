import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Req,
  Res,
  type Type,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { AuthHttp } from './auth-http.js';
import { AuthService } from './auth.service.js';
import { BodyValidationPipe } from './body-validation.pipe.js';
import { CurrentUser } from './decorators/current-user.decorator.js';
import { Public } from './decorators/public.decorator.js';
import type { ProfileAnswer, SessionAnswer, TokenAnswer } from './dto/answers.js';
import { ChangePasswordDto, LoginDto, RefreshDto, RegisterDto } from './dto/auth.dto.js';
import { AuthErrorFilter } from './filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from './filters/unexpected-error.filter.js';
import { CrossSiteGuard } from './guards/cross-site.guard.js';
import { AccessTokenGuard } from './guards/jwt-auth.guard.js';
import { JwtRefreshGuard } from './guards/jwt-refresh.guard.js';
import { RequestShapeGuard } from './guards/request-shape.guard.js';
import { LoginThrottleGuard, RefreshThrottleGuard } from './guards/throttle.guard.js';
import type { HttpRequest } from './http-request.js';

/**
 * A validated body. Only read, and an alias on purpose: as the type of a parameter a class would be handed to the global
 * pipes of a host, which would check and convert the body by its rules before ours.
 */
type Valid<Dto> = Readonly<Dto>;

/** The routes, under whatever prefix the host chose: thin, every decision is a service's. */
// A global JwtAuthGuard leaves these routes alone: each names the guards it needs, in the order of the contract.
@Public()
@UseGuards(RequestShapeGuard)
// Here too, so that no filter of a host comes first.
@UseFilters(AuthErrorFilter, UnexpectedErrorFilter)
export abstract class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
  ) {}

  @Post('register')
  @UseGuards(CrossSiteGuard, LoginThrottleGuard)
  async register(
    @Body(new BodyValidationPipe(RegisterDto)) body: Valid<RegisterDto>,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer | undefined> {
    const { email, password, name, transport, ...device } = body;
    const registration = { email, password, name: name ?? undefined };
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
    @Body(new BodyValidationPipe(RefreshDto)) _body: Valid<RefreshDto>,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const token = request.refreshToken;
    if (!token) throw new Error('JwtRefreshGuard sets the refresh token');
    return this.http.answer(await this.auth.refresh(token, this.http.clientOf(request)), response);
  }

  @Post('logout')
  @HttpCode(204)
  @UseGuards(CrossSiteGuard)
  async logout(
    @Body(new BodyValidationPipe(RefreshDto)) _body: Valid<RefreshDto>,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    await this.auth.logout(this.http.tokensOf(request), this.http.sourceOf(request));
    this.http.clearCookie(response);
  }

  @Post('logout-all')
  @HttpCode(204)
  @UseGuards(CrossSiteGuard, AccessTokenGuard)
  async logoutAll(
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    await this.auth.logoutEverywhere(user.id, this.http.sourceOf(request));
    // Another user's cookie in this browser is none of this request's business.
    if (this.http.refreshTokenOf(request)?.sub === user.id) this.http.clearCookie(response);
  }

  @Post('change-password')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, AccessTokenGuard)
  async changePassword(
    @Body(new BodyValidationPipe(ChangePasswordDto)) body: Valid<ChangePasswordDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const grant = await this.auth.changePassword(user, body, this.http.clientOf(request));
    return this.http.welcome(grant, request, response);
  }

  @Get('me')
  @UseGuards(AccessTokenGuard)
  async me(@CurrentUser() { id }: AuthenticatedUser): Promise<ProfileAnswer> {
    return this.auth.me(id);
  }

  @Get('sessions')
  @UseGuards(AccessTokenGuard)
  async sessions(@CurrentUser() user: AuthenticatedUser): Promise<SessionAnswer[]> {
    return this.auth.sessions(user.id, user.session.id);
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @UseGuards(AccessTokenGuard)
  async endSession(
    @CurrentUser() user: AuthenticatedUser,
    @Param('id') id: string,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.auth.endSession(user.id, id, this.http.sourceOf(request));
  }

  @Delete('sessions')
  @HttpCode(204)
  @UseGuards(AccessTokenGuard)
  async endOtherSessions(@CurrentUser() user: AuthenticatedUser, @Req() request: HttpRequest): Promise<void> {
    await this.auth.endOtherSessions(user, this.http.sourceOf(request));
  }
}

/** The controller under a prefix: a class of its own, so that two applications in a process may choose differently. */
export function authControllerAt(prefix: string): Type<AuthController> {
  @Controller(prefix)
  class PrefixedAuthController extends AuthController {}
  return PrefixedAuthController;
}
