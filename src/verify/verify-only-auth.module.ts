import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { CLOCK, type Clock } from '../core/ports.js';
import { hostProvided } from '../database/host-provided.js';
import { EventsModule } from '../events/events.module.js';
import { AccessTokens } from '../http/access-tokens.js';
import { loadContextExceptions } from '../http/context-exceptions.js';
import { AuthErrorFilter } from '../http/filters/auth-error.filter.js';
import { FreshAuth } from '../http/fresh-auth.js';
import { JwtAuthGuard, OptionalJwtAuthGuard } from '../http/guards/jwt-auth.guard.js';
import { RolesGuard } from '../http/guards/roles.guard.js';
import { OneGuardForAll } from '../http/one-guard-for-all.js';
import { RequestAuthenticator } from '../http/request-authenticator.js';
import { SocketSessions } from '../http/socket-sessions.js';
import { JwtStrategy } from '../http/strategies/jwt.strategy.js';
import { AUTH_OPTIONS, type ModuleOptions } from '../options/resolve-options.js';
import {
  type ResolvedVerifyOnlyOptions,
  resolveVerifyOnlyOptions,
  type VerifyOnlyAuthOptions,
} from '../options/verify-only.options.js';
import { REVOCATION_STORE, RevocationService } from '../revocation/revocation.service.js';
import { SessionWatcher } from '../revocation/session-watcher.js';
import { AccessTokenAuthenticator } from '../tokens/access-token.authenticator.js';
import { KeyRing } from '../tokens/keys/key-ring.js';
import { RemoteKeySet } from '../tokens/keys/remote-key-set.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import {
  ASYNC_OPTIONS_TYPE,
  checkAsyncExtras,
  ConfigurableVerifyOnlyOptionsModule,
  OPTIONS_TYPE,
  RAW_VERIFY_ONLY_OPTIONS,
  SYNC_EXTRAS,
  type VerifyOnlyAuthModuleExtras,
} from './verify-only.module-definition.js';
import { NO_REVOCATION_STORE, WITHOUT_SESSIONS } from './without-sessions.js';

const MODULE_OPTIONS = Symbol('MODULE_OPTIONS');
const CONTEXT_EXCEPTIONS = Symbol('CONTEXT_EXCEPTIONS');

@Module({
  providers: [
    {
      provide: AUTH_OPTIONS,
      useFactory: (raw: VerifyOnlyAuthOptions, module: ModuleOptions) =>
        resolveVerifyOnlyOptions(raw, module),
      inject: [RAW_VERIFY_ONLY_OPTIONS, MODULE_OPTIONS],
    },
  ],
  exports: [AUTH_OPTIONS],
})
class VerifyOnlyOptionsModule extends ConfigurableVerifyOnlyOptionsModule {}

/** Exported to hosts, because Nest creates guards in the module that uses them. */
const SHARED = [
  AccessTokens,
  SocketSessions,
  SessionWatcher,
  JwtStrategy,
  FreshAuth,
  RequestAuthenticator,
  JwtAuthGuard,
  OptionalJwtAuthGuard,
  RolesGuard,
  AuthErrorFilter,
];

const INTERNAL: Provider[] = [
  ...WITHOUT_SESSIONS,
  AccessTokenAuthenticator,
  TokenVerifier,
  OneGuardForAll,
  RevocationService,
  { provide: KeyRing, useClass: RemoteKeySet },
  {
    provide: CLOCK,
    useFactory: ({ clock }: ResolvedVerifyOnlyOptions): Clock =>
      clock ? hostProvided(clock) : { now: () => Date.now() },
    inject: [AUTH_OPTIONS],
  },
  {
    provide: REVOCATION_STORE,
    useFactory: ({ revocation }: ResolvedVerifyOnlyOptions) =>
      revocation.store ? hostProvided(revocation.store) : NO_REVOCATION_STORE,
    inject: [AUTH_OPTIONS],
  },
  { provide: CONTEXT_EXCEPTIONS, useFactory: loadContextExceptions },
  { provide: APP_FILTER, useExisting: AuthErrorFilter },
];

/**
 * The guards, decorators and `request.user` of `AuthModule` for a service that only verifies access tokens of another
 * service, with that service's key set. It needs no database and has no routes. Import it from `nestjs-silent-auth/verify`,
 * which does not load Mongoose.
 *
 * @example
 * VerifyOnlyAuthModule.forRoot({
 *   issuer: 'https://api.example.com',
 *   jwksUri: 'https://api.example.com/.well-known/jwks.json',
 * })
 */
@Module({})
export class VerifyOnlyAuthModule {
  /** @throws ConfigurationError at boot, with every problem of the options at once */
  static forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return assemble(VerifyOnlyOptionsModule.forRoot(options), options, SYNC_EXTRAS);
  }

  /** Like `forRoot`, with options from a factory, a class or an existing provider. */
  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return assemble(VerifyOnlyOptionsModule.forRootAsync(options), options, checkAsyncExtras(options));
  }
}

function assemble(
  given: DynamicModule,
  { isGlobal = true, globalGuard = false }: VerifyOnlyAuthModuleExtras,
  module: ModuleOptions,
): DynamicModule {
  const options: DynamicModule = {
    ...given,
    providers: [...(given.providers ?? []), { provide: MODULE_OPTIONS, useValue: module }],
  };
  const globalGuards: Provider[] = globalGuard
    ? [
        { provide: APP_GUARD, useExisting: JwtAuthGuard },
        { provide: APP_GUARD, useExisting: RolesGuard },
      ]
    : [];
  return {
    module: VerifyOnlyAuthModule,
    global: isGlobal,
    imports: [options, EventsModule, JwtModule.register({})],
    providers: [...SHARED, ...INTERNAL, ...globalGuards],
    exports: [...SHARED, EventsModule],
  };
}
