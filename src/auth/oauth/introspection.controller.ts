import { HttpCode, Post, Req, UseFilters, UseGuards } from '@nestjs/common';
import { Public } from '../../http/decorators/public.decorator.js';
import { sourceOf } from '../../http/http-request.js';
import { ClientGuard, type OAuthRequest } from './client.guard.js';
import { type Introspection, IntrospectionService } from './introspection.service.js';
import { OAuthErrorFilter, UnexpectedOAuthErrorFilter } from './oauth-error.filter.js';
import { OAuthError } from './oauth-error.js';

/** Token introspection (RFC 7662) and revocation (RFC 7009) for clients with credentials; forms in, JSON out. */
@Public()
@UseGuards(ClientGuard)
@UseFilters(UnexpectedOAuthErrorFilter, OAuthErrorFilter)
export class IntrospectionController {
  constructor(private readonly service: IntrospectionService) {}

  @Post('introspect')
  @HttpCode(200)
  async introspect(@Req() request: OAuthRequest): Promise<Introspection> {
    const { token, hint } = parametersOf(request);
    return this.service.introspect(token, hint);
  }

  @Post('revoke')
  @HttpCode(200)
  async revoke(@Req() request: OAuthRequest): Promise<void> {
    const { token, clientId } = parametersOf(request);
    await this.service.revoke(token, clientId, sourceOf(request));
  }
}

function parametersOf({ oauth }: OAuthRequest) {
  if (!oauth) throw new Error('ClientGuard reads the form');
  const token = oauth.form.get('token');
  if (token === undefined) throw new OAuthError('invalid_request', 'The parameter token is missing.');
  return { token, hint: oauth.form.get('token_type_hint') ?? null, clientId: oauth.clientId };
}
