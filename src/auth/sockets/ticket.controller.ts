import { HttpCode, Post, Req, UseFilters, UseGuards } from '@nestjs/common';
import { AccessTokens } from '../../http/access-tokens.js';
import { Public } from '../../http/decorators/public.decorator.js';
import { AuthErrorFilter } from '../../http/filters/auth-error.filter.js';
import { UnexpectedErrorFilter } from '../../http/filters/unexpected-error.filter.js';
import { AccessTokenGuard } from '../../http/guards/jwt-auth.guard.js';
import { RequestShapeGuard } from '../../http/guards/request-shape.guard.js';
import type { HttpRequest } from '../../http/http-request.js';
import { type TicketAnswer, Tickets } from '../../http/tickets.js';

/** Exchanges an access token for a ticket that a browser can use to open a socket. */
@Public()
@UseGuards(RequestShapeGuard, AccessTokenGuard)
@UseFilters(UnexpectedErrorFilter, AuthErrorFilter)
export class TicketController {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly tickets: Tickets,
  ) {}

  @Post('ticket')
  @HttpCode(200)
  async ticket(@Req() request: HttpRequest): Promise<TicketAnswer> {
    const claims = this.tokens.claimsOfRequest(request);
    if (!claims) throw new Error('AccessTokenGuard has read the token');
    return this.tickets.issue(claims);
  }
}
