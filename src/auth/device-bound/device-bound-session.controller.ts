import { HttpCode, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { Public } from '../../http/decorators/public.decorator.js';
import { AuthErrorFilter } from '../../http/filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from '../../http/filters/unexpected-error.filter.js';
import { CrossSiteGuard } from '../../http/guards/cross-site.guard.js';
import { RequestShapeGuard } from '../../http/guards/request-shape.guard.js';
import type { HttpRequest } from '../../http/http-request.js';
import {
  DEVICE_ROUTE,
  DeviceBoundSessions,
  type DeviceSessionAnswer,
  type DeviceSessionEnd,
} from './device-bound-sessions.js';

/** Routes that browsers call by themselves, not scripts. Mounted even if the option is off, for older bound sessions. */
@Public()
@UseGuards(RequestShapeGuard, CrossSiteGuard)
@UseFilters(UnexpectedErrorFilter, AuthErrorFilter)
export class DeviceBoundSessionController {
  constructor(private readonly sessions: DeviceBoundSessions) {}

  @Post(DEVICE_ROUTE)
  @HttpCode(200)
  async register(@Req() request: HttpRequest): Promise<DeviceSessionAnswer> {
    return this.sessions.register(request);
  }

  @Post(`${DEVICE_ROUTE}/renew`)
  @HttpCode(200)
  async renew(
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<DeviceSessionAnswer | DeviceSessionEnd> {
    return this.sessions.renew(request, response);
  }
}
