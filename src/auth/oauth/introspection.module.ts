import type { IncomingMessage } from 'node:http';
import {
  type DynamicModule,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type Type,
} from '@nestjs/common';
import type { LibraryModules } from '../../database/library-modules.js';
import { controllerAt } from '../../http/controller-at.js';
import { PresentedRefreshTokens } from '../../http/presented-refresh-tokens.js';
import { RefreshCookie } from '../../http/refresh-cookie.js';
import { ClientGuard } from './client.guard.js';
import { FormReader } from './form-reader.js';
import { IntrospectionController } from './introspection.controller.js';
import { IntrospectionService } from './introspection.service.js';
import { OAuthErrorFilter, UnexpectedOAuthErrorFilter } from './oauth-error.filter.js';

const CONTROLLERS = Symbol('INTROSPECTION_CONTROLLERS');

/** The OAuth endpoints, with a form reader for their routes. */
@Module({})
export class IntrospectionModule implements NestModule {
  /** @param path path of the routes; null if the host has its own routes */
  static register({
    path,
    options,
    database,
    revocation,
    users,
    tokens,
    throttle,
  }: Omit<LibraryModules, 'connectionName'> & { readonly path: string | null }): DynamicModule {
    const controllers = path === null ? [] : [controllerAt(path, IntrospectionController)];
    return {
      module: IntrospectionModule,
      imports: [options, database, revocation, users, tokens, throttle],
      controllers,
      providers: [
        IntrospectionService,
        FormReader,
        ClientGuard,
        OAuthErrorFilter,
        RefreshCookie,
        PresentedRefreshTokens,
        UnexpectedOAuthErrorFilter,
        { provide: CONTROLLERS, useValue: controllers },
      ],
      exports: [IntrospectionService],
    };
  }

  constructor(
    @Inject(CONTROLLERS) private readonly controllers: Type[],
    private readonly forms: FormReader,
  ) {}

  configure(consumer: MiddlewareConsumer): void {
    // A function, because Nest would create another instance of a middleware class, with its own readings.
    const read = (request: IncomingMessage, _response: unknown, next: (error?: unknown) => void) =>
      this.forms.read(request).then(() => next(), next);
    if (this.controllers.length > 0) consumer.apply(read).forRoutes(...this.controllers);
  }
}
