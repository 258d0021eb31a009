import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
  type Type,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { SecurityEventPage } from '../../audit/audit.service.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { BodyValidationPipe } from '../body-validation.pipe.js';
import { CurrentUser } from '../decorators/current-user.decorator.js';
import { Public } from '../decorators/public.decorator.js';
import { Roles } from '../decorators/roles.decorator.js';
import type { SessionAnswer } from '../dto/answers.js';
import { AuthErrorFilter } from '../filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from '../filters/unexpected-error.filter.js';
import { AccessTokenGuard } from '../guards/jwt-auth.guard.js';
import { RequestShapeGuard } from '../guards/request-shape.guard.js';
import { RolesGuard } from '../guards/roles.guard.js';
import { type HttpRequest, sourceOf } from '../http-request.js';
import { type Administrator, AdminService } from './admin.service.js';
import { SecurityEventsQueryDto } from './security-events-query.dto.js';
import { securityReportAnswer, type SecurityReportAnswer } from './security-report-answer.js';
import { SecurityReportQueryDto } from './security-report-query.dto.js';

/**
 * The routes of administrators, behind the role `admin`: who has it not gets the same 403 whatever he asks for. They read
 * no cookie, so no page of another site can call them.
 */
// A global JwtAuthGuard leaves these routes alone, as it does the others of the library.
@Public()
@Roles('admin')
@UseGuards(RequestShapeGuard, AccessTokenGuard, RolesGuard)
@UseFilters(AuthErrorFilter, UnexpectedErrorFilter)
export abstract class AdminController {
  constructor(
    private readonly administration: AdminService,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  @Get('users/:id/sessions')
  async sessions(
    @Param('id') userId: string,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<SessionAnswer[]> {
    return this.administration.sessions(userId, administrator(user, request), user.session.id);
  }

  @Delete('users/:id/sessions')
  @HttpCode(204)
  async endSessions(
    @Param('id') userId: string,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.administration.endSessions(userId, administrator(user, request));
  }

  @Post('users/:id/disable')
  @HttpCode(204)
  async disable(
    @Param('id') userId: string,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.administration.disable(userId, administrator(user, request));
  }

  @Post('users/:id/enable')
  @HttpCode(204)
  async enable(
    @Param('id') userId: string,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await this.administration.enable(userId, administrator(user, request));
  }

  @Get('events')
  async securityEvents(
    @Query(new BodyValidationPipe(SecurityEventsQueryDto)) query: Readonly<SecurityEventsQueryDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
  ): Promise<SecurityEventPage> {
    return this.administration.securityEvents(query, administrator(user, request));
  }

  @Get('security-report')
  async securityReport(
    @Query(new BodyValidationPipe(SecurityReportQueryDto)) query: Readonly<SecurityReportQueryDto>,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<SecurityReportAnswer['body']> {
    const report = await this.administration.securityReport(query, administrator(user, request));
    const { headers, body } = securityReportAnswer(report, query.format ?? 'json');
    for (const [name, value] of Object.entries(headers))
      this.adapterHost.httpAdapter.setHeader(response, name, value);
    return body;
  }
}

function administrator({ id }: AuthenticatedUser, request: HttpRequest): Administrator {
  return { id, source: sourceOf(request) };
}

/** The controller under a prefix, as `authControllerAt`. */
export function adminControllerAt(prefix: string): Type<AdminController> {
  @Controller(`${prefix}/admin`)
  class PrefixedAdminController extends AdminController {}
  return PrefixedAdminController;
}
