import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { AuthOptions } from '../core/options/auth-options.js';
import type { ModuleOptions } from '../core/options/resolve-options.js';
import { type KnownKeys, unknownKeys } from '../core/options/unknown-keys.js';

/** Injection token of the options as the host gave them; the library itself reads the resolved ones. */
export const RAW_AUTH_OPTIONS = Symbol('RAW_AUTH_OPTIONS');

/** What of the module is fixed before any factory runs: its structure. */
export interface AuthModuleExtras {
  /**
   * Whether feature modules can use the guards and services without importing `AuthModule`.
   * @default true
   */
  isGlobal?: boolean;
  /**
   * Whether `JwtAuthGuard` guards every route of the application but those marked `@Public()`.
   * @default false
   */
  globalGuard?: boolean;
  /**
   * Path before the routes.
   * @default 'auth'
   */
  routePrefix?: string;
  /**
   * Which controllers are mounted; without them the services remain.
   * @default { auth: true, admin: true, jwks: true, introspection: true }
   */
  controllers?: { auth?: boolean; admin?: boolean; jwks?: boolean; introspection?: boolean };
  /**
   * Name of the host's Mongoose connection.
   * @default the default connection
   */
  connectionName?: string;
}

const EXTRA_KEYS = {
  isGlobal: null,
  globalGuard: null,
  routePrefix: null,
  controllers: { auth: null, admin: null, jwks: null, introspection: null },
  connectionName: null,
} satisfies KnownKeys<AuthModuleExtras>;

/** Nest's own, of `forRootAsync`. */
const FACTORY_KEYS = {
  imports: null,
  inject: null,
  useFactory: null,
  useClass: null,
  useExisting: null,
  provideInjectionTokensFrom: null,
};

/** What is wrong beside the options, told together with what is wrong in them. */
export function checkExtras(given: AuthModuleExtras, from: 'forRoot' | 'forRootAsync'): ModuleOptions {
  const names = Object.keys(EXTRA_KEYS);
  if (from === 'forRootAsync')
    return { names: [], problems: unknownKeys(given, { ...EXTRA_KEYS, ...FACTORY_KEYS }) };
  // The options stand in the same object, and are checked when they are resolved.
  const problems = unknownKeys({ controllers: given.controllers }, EXTRA_KEYS);
  return { names, problems };
}

export const {
  ConfigurableModuleClass: ConfigurableAuthOptionsModule,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<AuthOptions>({ optionsInjectionToken: RAW_AUTH_OPTIONS })
  .setClassMethodName('forRoot')
  .setExtras<AuthModuleExtras>({
    isGlobal: true,
    globalGuard: false,
    routePrefix: 'auth',
    controllers: {},
    connectionName: undefined,
  })
  .build();
