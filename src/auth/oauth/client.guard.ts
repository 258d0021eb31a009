import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { isKnownClient, presentedClient } from '../../core/client-credentials.js';
import { AuthError } from '../../core/errors.js';
import type { Form } from '../../core/form.js';
import { clientAddress } from '../../core/network.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { RefusingGuard } from '../../http/guards/refusing.guard.js';
import { addressOf, headerOf, type HttpRequest, requestOf, sourceOf } from '../../http/http-request.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { FormReader } from './form-reader.js';
import { OAuthError } from './oauth-error.js';

/** A request with the fields that the guard sets. */
export interface OAuthRequest extends HttpRequest {
  oauth?: { readonly clientId: string; readonly form: Form };
}

/**
 * Admits known clients with HTTP Basic or form fields (RFC 6749 §2.3.1). Without configured clients the endpoint answers 404.
 * @throws OAuthError `invalid_request`, `invalid_client`
 * @throws AuthError `NOT_FOUND`, `TOO_MANY_ATTEMPTS`, and those of an unreadable form
 */
@Injectable()
export class ClientGuard extends RefusingGuard {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly adapterHost: HttpAdapterHost,
    private readonly throttle: ThrottleService,
    private readonly forms: FormReader,
    private readonly events: AuthEventBus,
  ) {
    super();
  }

  protected override async admit(context: ExecutionContext): Promise<void> {
    const request: OAuthRequest = requestOf(context);
    this.adapterHost.httpAdapter.setHeader(context.switchToHttp().getResponse(), 'Cache-Control', 'no-store');
    const { introspectionClients: clients } = this.options;
    if (clients.size === 0) throw new AuthError('NOT_FOUND');
    const form = this.forms.formOf(request);
    if (!form) throw new OAuthError('invalid_request', 'A parameter is repeated or invalid.');

    const presented = presentedClient(headerOf(request, 'authorization'), form);
    if (presented.outcome === 'ambiguous')
      throw new OAuthError('invalid_request', 'The client used two authentication methods.');
    if (presented.outcome === 'none')
      throw new OAuthError('invalid_client', 'Client credentials are required.');
    const { client } = presented;
    // Count guesses per known client; all unknown names share one count.
    const clientId = clients.has(client.id) ? client.id : null;
    const attempt = `${clientId ?? ''} address:${clientAddress(addressOf(request))}`;
    const refused = { clientId, source: sourceOf(request) };
    await this.throttle.admitClient(attempt).catch((error: unknown) => {
      if (error instanceof AuthError && error.code === 'TOO_MANY_ATTEMPTS')
        void this.events.emit('client.refused', { ...refused, reason: 'client_limit' });
      throw error;
    });
    if (!isKnownClient(client, clients)) {
      const reason = clientId === null ? 'unknown_client' : 'wrong_secret';
      void this.events.emit('client.refused', { ...refused, reason });
      await this.throttle.clientFailed(attempt);
      throw new OAuthError('invalid_client', 'The client is unknown, or its secret is wrong.');
    }
    request.oauth = { clientId: client.id, form };
  }
}
