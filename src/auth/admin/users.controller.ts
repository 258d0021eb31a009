import { Body, Delete, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import { BodyValidationPipe } from '../../http/body-validation.pipe.js';
import { CurrentUser } from '../../http/decorators/current-user.decorator.js';
import { RequireFreshAuth } from '../../http/decorators/require-fresh-auth.decorator.js';
import type { HttpRequest } from '../../http/http-request.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { AuthHttp } from '../session/auth-http.js';
import type { TokenAnswer } from '../session/dto/answers.js';
import { administrator, AdministratorRoutes } from './administrator-routes.js';
import { ImpersonationService } from './impersonation.service.js';
import { type AdminUserAnswer, UserAdminService, type UserPage } from './user-admin.service.js';
import { ImpersonateDto, RolesDto, UsersQueryDto } from './users.dto.js';

/** Routes where administrators manage users. */
@AdministratorRoutes()
export class UsersController {
  constructor(
    private readonly administration: UserAdminService,
    private readonly impersonation: ImpersonationService,
    private readonly http: AuthHttp,
  ) {}

  @Get()
  async list(
    @Query(new BodyValidationPipe(UsersQueryDto)) query: Readonly<UsersQueryDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<UserPage> {
    return this.administration.list(query, administrator(user, request));
  }

  @Get(':id')
  async find(
    @Param('id') userId: string,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<AdminUserAnswer> {
    return this.administration.find(userId, administrator(user, request));
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(
    @Param('id') userId: string,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.administration.remove(userId, administrator(user, request));
  }

  @Put(':id/roles')
  async setRoles(
    @Param('id') userId: string,
    @Body(new BodyValidationPipe(RolesDto, ['roles'])) { roles }: Readonly<RolesDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<AdminUserAnswer> {
    return this.administration.setRoles(userId, roles, administrator(user, request));
  }

  @Post(':id/unlock')
  @HttpCode(204)
  async unlock(
    @Param('id') userId: string,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.administration.unlock(userId, administrator(user, request));
  }

  /** Sets no cookie, so the administrator's own session continues. */
  @Post(':id/impersonate')
  @HttpCode(200)
  @RequireFreshAuth('5m')
  async impersonate(
    @Param('id') userId: string,
    @Body(new BodyValidationPipe(ImpersonateDto)) { reason }: Readonly<ImpersonateDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    return this.http.answer(await this.impersonation.impersonate(user, userId, reason, request), response);
  }
}
