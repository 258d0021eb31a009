import { Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { SecurityEventPage } from '../../audit/audit.service.js';
import { BodyValidationPipe } from '../../http/body-validation.pipe.js';
import { CurrentUser } from '../../http/decorators/current-user.decorator.js';
import type { HttpRequest } from '../../http/http-request.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import type { SessionAnswer } from '../session/dto/answers.js';
import { AdminService } from './admin.service.js';
import { administrator, AdministratorRoutes } from './administrator-routes.js';
import { SecurityEventsQueryDto } from './security-events-query.dto.js';
import { type SecurityReportAnswer, securityReportAnswer } from './security-report-answer.js';
import { SecurityReportQueryDto } from './security-report-query.dto.js';

/** Routes where administrators read records, end sessions, and disable users. */
@AdministratorRoutes()
export class AdminController {
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
