import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Req,
  Res,
  type Type,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { extractAccessToken } from '../tokens/jwt.strategy.js';
import type { ClientTraits } from '../tokens/refresh-token.service.js';
import { TokenSigner } from '../tokens/token-signer.js';
import { AuthService, type TokenGrant } from './auth.service.js';
import { BodyValidationPipe } from './body-validation.pipe.js';
import { CurrentUser } from './decorators/current-user.decorator.js';
import { Public } from './decorators/public.decorator.js';
import {
  type SessionAnswer,
  sessionAnswer,
  type TokenAnswer,
  tokenAnswer,
  type UserAnswer,
  userAnswer,
} from './dto/answers.js';
import { ChangePasswordDto, LoginDto, RefreshDto, RegisterDto } from './dto/auth.dto.js';
import { AuthRoutesFilter } from './filters/auth-routes.filter.js';
import { DeviceCookie } from './device-cookie.js';
import { CrossSiteGuard } from './guards/cross-site.guard.js';
import { AccessTokenGuard } from './guards/jwt-auth.guard.js';
import { JwtRefreshGuard } from './guards/jwt-refresh.guard.js';
import { RequestShapeGuard } from './guards/request-shape.guard.js';
import { LoginThrottleGuard, RefreshThrottleGuard } from './guards/throttle.guard.js';
import { clientOf, type HttpRequest } from './http-request.js';
import { RefreshCookie } from './refresh-cookie.js';

/** The routes, under whatever prefix the host chose: thin, every decision is a service's. */
// A global JwtAuthGuard leaves these routes alone: each names the guards it needs, in the order of the contract.
@Public()
@UseGuards(RequestShapeGuard)
@UsePipes(BodyValidationPipe)
@UseFilters(AuthRoutesFilter)
export abstract class AuthController {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly auth: AuthService,
    private readonly signer: TokenSigner,
    private readonly cookie: RefreshCookie,
    private readonly devices: DeviceCookie,
  ) {}

  @Post('register')
  @UseGuards(CrossSiteGuard, LoginThrottleGuard)
  async register(
    @Body() body: RegisterDto,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const { email, password, name, transport, ...device } = body;
    const registration = { email, password, name: name ?? undefined };
    const session = { transport: transport ?? 'cookie', ...device };
    const grant = await this.auth.register(registration, session, this.clientOf(request));
    return this.welcome(grant, request, response);
  }

  @Post('login')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, LoginThrottleGuard)
  async login(
    @Body() body: LoginDto,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const { email, password, transport, ...device } = body;
    const session = { transport: transport ?? 'cookie', ...device };
    const grant = await this.auth.login(email, password, session, this.clientOf(request));
    return this.welcome(grant, request, response);
  }

  @Post('refresh')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, RefreshThrottleGuard, JwtRefreshGuard)
  async refresh(
    @Body() _body: RefreshDto,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const token = request.refreshToken;
    if (!token) throw new Error('JwtRefreshGuard sets the refresh token');
    return this.answer(await this.auth.refresh(token, this.clientOf(request)), response);
  }

  @Post('logout')
  @HttpCode(204)
  @UseGuards(CrossSiteGuard)
  async logout(
    @Body() _body: RefreshDto,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const accessToken = extractAccessToken(request);
    await this.auth.logout({ refreshToken: this.presentedRefreshToken(request), accessToken });
    this.cookie.clear(response);
  }

  @Post('logout-all')
  @HttpCode(204)
  @UseGuards(CrossSiteGuard, AccessTokenGuard)
  async logoutAll(
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    await this.auth.logoutEverywhere(user.id);
    // Another user's cookie in this browser is none of this request's business.
    if (this.presentedRefreshToken(request)?.sub === user.id) this.cookie.clear(response);
  }

  @Post('change-password')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, AccessTokenGuard)
  async changePassword(
    @Body() body: ChangePasswordDto,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    return this.answer(await this.auth.changePassword(user, body, this.clientOf(request)), response);
  }

  @Get('me')
  @UseGuards(AccessTokenGuard)
  async me(@CurrentUser() { id }: AuthenticatedUser): Promise<UserAnswer & { createdAt: Date }> {
    const user = await this.auth.me(id);
    return { ...userAnswer(user), createdAt: user.createdAt };
  }

  @Get('sessions')
  @UseGuards(AccessTokenGuard)
  async sessions(@CurrentUser() user: AuthenticatedUser): Promise<SessionAnswer[]> {
    const sessions = await this.auth.sessions(user.id);
    return sessions.map((session) => sessionAnswer(session, user.session.id));
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @UseGuards(AccessTokenGuard)
  async endSession(@CurrentUser() user: AuthenticatedUser, @Param('id') id: string): Promise<void> {
    await this.auth.endSession(user.id, id);
  }

  @Delete('sessions')
  @HttpCode(204)
  @UseGuards(AccessTokenGuard)
  async endOtherSessions(@CurrentUser() user: AuthenticatedUser): Promise<void> {
    await this.auth.endOtherSessions(user);
  }

  /** A validly signed refresh token that came by its session's own way; expired or replaced ones too. */
  private presentedRefreshToken(request: HttpRequest) {
    const presented = this.cookie.read(request);
    const claims = presented && this.signer.verifyRefreshToken(presented.token);
    return claims && claims.trn === presented.transport ? claims : null;
  }

  private clientOf(request: HttpRequest): ClientTraits {
    return { ...clientOf(request, this.options), device: this.devices.read(request) };
  }

  /** After a login the device is known to the account. */
  private welcome(grant: TokenGrant, request: HttpRequest, response: unknown): TokenAnswer {
    if (grant.session.transport === 'cookie') this.devices.set(request, response, grant.user.email);
    return this.answer(grant, response);
  }

  private answer(grant: TokenGrant, response: unknown): TokenAnswer {
    const { token, expiresIn } = grant.refreshToken;
    if (grant.session.transport === 'cookie') this.cookie.set(response, token, expiresIn);
    return tokenAnswer(grant);
  }
}

/** The controller under a prefix: a class of its own, so that two applications in a process may choose differently. */
export function authControllerAt(prefix: string): Type<AuthController> {
  @Controller(prefix)
  class PrefixedAuthController extends AuthController {}
  return PrefixedAuthController;
}
