import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ModuleOptions } from '../options/resolve-options.js';
import { type KnownKeys, unknownKeys } from '../options/unknown-keys.js';
import type { VerifyOnlyAuthOptions } from '../options/verify-only.options.js';

/** Injection token of the raw options of the host. Only the resolver reads them. */
export const RAW_VERIFY_ONLY_OPTIONS = Symbol('RAW_VERIFY_ONLY_OPTIONS');

/** Settings of the module itself, which must be known before any factory runs. */
export interface VerifyOnlyAuthModuleExtras {
  /**
   * Whether feature modules can use the guards without importing `VerifyOnlyAuthModule`.
   * @default true
   */
  isGlobal?: boolean;
  /**
   * Whether `JwtAuthGuard` guards every route of the application except those marked `@Public()`, and `RolesGuard` those
   * with `@Roles()`.
   * @default false
   */
  globalGuard?: boolean;
}

const EXTRA_KEYS = { isGlobal: null, globalGuard: null } satisfies KnownKeys<VerifyOnlyAuthModuleExtras>;

/** Nest's own keys of `forRootAsync`. */
const FACTORY_KEYS = {
  imports: null,
  inject: null,
  useFactory: null,
  useClass: null,
  useExisting: null,
  provideInjectionTokensFrom: null,
};

/** In `forRoot` these settings are in the same object as the options, and are checked when the options are resolved. */
export const SYNC_EXTRAS: ModuleOptions = { names: Object.keys(EXTRA_KEYS), problems: [] };

/** Problems in the argument of `forRootAsync`, to be reported together with those of the options. */
export function checkAsyncExtras(given: object): ModuleOptions {
  return { names: [], problems: unknownKeys(given, { ...EXTRA_KEYS, ...FACTORY_KEYS }) };
}

export const {
  ConfigurableModuleClass: ConfigurableVerifyOnlyOptionsModule,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<VerifyOnlyAuthOptions>({ optionsInjectionToken: RAW_VERIFY_ONLY_OPTIONS })
  .setClassMethodName('forRoot')
  .setExtras<VerifyOnlyAuthModuleExtras>({ isGlobal: true, globalGuard: false })
  .build();
