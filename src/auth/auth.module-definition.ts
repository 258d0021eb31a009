import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { AuthOptions } from '../options/auth-options.js';
import type { ModuleOptions } from '../options/resolve-options.js';
import { type KnownKeys, unknownKeys } from '../options/unknown-keys.js';

/** Injection token of the raw options of the host. Only the resolver reads them. */
export const RAW_AUTH_OPTIONS = Symbol('RAW_AUTH_OPTIONS');

/** Settings of the module itself, which must be known before any factory runs. */
export interface AuthModuleExtras {
  /**
   * Whether feature modules can use the guards and services without importing `AuthModule`.
   * @default true
   */
  isGlobal?: boolean;
  /**
   * Whether `JwtAuthGuard` guards every route of the application except those marked `@Public()`, and `RolesGuard` those
   * with `@Roles()`.
   * @default false
   */
  globalGuard?: boolean;
  /**
   * Path in front of the library's routes.
   * @default 'auth'
   */
  routePrefix?: string;
  /**
   * Which controllers are mounted; the services are always available. `jwks` means both documents under `/.well-known/`, which
   * are always at the root of your application, whatever its global prefix and versioning.
   * @default { auth: true, admin: true, jwks: true, introspection: true }
   */
  controllers?: { auth?: boolean; admin?: boolean; jwks?: boolean; introspection?: boolean };
  /**
   * Name of your application's Mongoose connection.
   * @default the default connection
   */
  connectionName?: string;
}

type ResolvedExtras = Required<Omit<AuthModuleExtras, 'connectionName' | 'controllers'>> & {
  readonly controllers: Required<NonNullable<AuthModuleExtras['controllers']>>;
  readonly connectionName: string | undefined;
};

const DEFAULT_EXTRAS: ResolvedExtras = {
  isGlobal: true,
  globalGuard: false,
  routePrefix: 'auth',
  controllers: { auth: true, admin: true, jwks: true, introspection: true },
  connectionName: undefined,
};

/** Fills in the defaults. */
export function resolveExtras(given: AuthModuleExtras): ResolvedExtras {
  const { isGlobal, globalGuard, routePrefix, controllers, connectionName } = given;
  return {
    isGlobal: isGlobal ?? DEFAULT_EXTRAS.isGlobal,
    globalGuard: globalGuard ?? DEFAULT_EXTRAS.globalGuard,
    routePrefix: routePrefix ?? DEFAULT_EXTRAS.routePrefix,
    controllers: {
      auth: controllers?.auth ?? DEFAULT_EXTRAS.controllers.auth,
      admin: controllers?.admin ?? DEFAULT_EXTRAS.controllers.admin,
      jwks: controllers?.jwks ?? DEFAULT_EXTRAS.controllers.jwks,
      introspection: controllers?.introspection ?? DEFAULT_EXTRAS.controllers.introspection,
    },
    connectionName,
  };
}

const EXTRA_KEYS = {
  isGlobal: null,
  globalGuard: null,
  routePrefix: null,
  controllers: { auth: null, admin: null, jwks: null, introspection: null },
  connectionName: null,
} satisfies KnownKeys<AuthModuleExtras>;

/** Nest's own keys of `forRootAsync`. */
const FACTORY_KEYS = {
  imports: null,
  inject: null,
  useFactory: null,
  useClass: null,
  useExisting: null,
  provideInjectionTokensFrom: null,
};

/** Problems of the extras, to be reported together with those of the options. */
export function checkExtras(given: AuthModuleExtras, from: 'forRoot' | 'forRootAsync'): ModuleOptions {
  const names = Object.keys(EXTRA_KEYS);
  if (from === 'forRootAsync')
    return { names: [], problems: unknownKeys(given, { ...EXTRA_KEYS, ...FACTORY_KEYS }) };
  // The options are in the same object, and are checked when they are resolved.
  const problems = unknownKeys({ controllers: given.controllers }, EXTRA_KEYS);
  return { names, problems };
}

export const {
  ConfigurableModuleClass: ConfigurableAuthOptionsModule,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<AuthOptions>({ optionsInjectionToken: RAW_AUTH_OPTIONS })
  .setClassMethodName('forRoot')
  .setExtras<AuthModuleExtras>(DEFAULT_EXTRAS)
  .build();
