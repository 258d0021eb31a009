import type { IncomingMessage } from 'node:http';
import {
  type DynamicModule,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { RefreshCookie } from '../refresh-cookie.js';
import { ClientGuard } from './client.guard.js';
import { FormReader } from './form-reader.js';
import { introspectionControllerAt } from './introspection.controller.js';
import { IntrospectionService } from './introspection.service.js';
import { OAuthErrorFilter, UnexpectedOAuthErrorFilter } from './oauth-error.filter.js';

const CONTROLLERS = Symbol('INTROSPECTION_CONTROLLERS');

/** The OAuth endpoints, whose forms it reads by itself. */
@Module({})
export class IntrospectionModule implements NestModule {
  /** @param prefix null where the routes are the host's own */
  static register(prefix: string | null, imports: DynamicModule[]): DynamicModule {
    const controllers = prefix === null ? [] : [introspectionControllerAt(prefix)];
    return {
      module: IntrospectionModule,
      imports,
      controllers,
      providers: [
        IntrospectionService,
        FormReader,
        ClientGuard,
        OAuthErrorFilter,
        RefreshCookie,
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
    // A function, as of a class Nest would make another instance, whose readings nobody finds.
    const read = (request: IncomingMessage, _response: unknown, next: (error?: unknown) => void) =>
      this.forms.read(request).then(() => next(), next);
    if (this.controllers.length > 0) consumer.apply(read).forRoutes(...this.controllers);
  }
}
