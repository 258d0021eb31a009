import { Body, Delete, Get, HttpCode, Param, Post, Put, Query, Req } from '@nestjs/common';
import { BodyValidationPipe } from '../../http/body-validation.pipe.js';
import { CurrentUser } from '../../http/decorators/current-user.decorator.js';
import type { HttpRequest } from '../../http/http-request.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { administrator, AdministratorRoutes } from './administrator-routes.js';
import { type AdminUserAnswer, UserAdminService, type UserPage } from './user-admin.service.js';
import { RolesDto, UsersQueryDto } from './users.dto.js';

/** Users as administrators manage them. */
@AdministratorRoutes()
export class UsersController {
  constructor(private readonly administration: UserAdminService) {}

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
}
