import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ModuleOptions } from '../options/resolve-options.js';
import { type KnownKeys, unknownKeys } from '../options/unknown-keys.js';
import type { VerifyOnlyAuthOptions } from '../options/verify-only.options.js';

/** Injection token of the options as the host gave them; the library itself reads the resolved ones. */
export const RAW_VERIFY_ONLY_OPTIONS = Symbol('RAW_VERIFY_ONLY_OPTIONS');

/** The structure of the module, which is fixed before any factory runs. */
export interface VerifyOnlyAuthModuleExtras {
  /**
   * Whether feature modules can use the guards without importing `VerifyOnlyAuthModule`.
   * @default true
   */
  isGlobal?: boolean;
  /**
   * Whether `JwtAuthGuard` guards every route of the application but those marked `@Public()`, and `RolesGuard` those with
   * `@Roles()`.
   * @default false
   */
  globalGuard?: boolean;
}

const EXTRA_KEYS = { isGlobal: null, globalGuard: null } satisfies KnownKeys<VerifyOnlyAuthModuleExtras>;

/** Nest's own, of `forRootAsync`. */
const FACTORY_KEYS = {
  imports: null,
  inject: null,
  useFactory: null,
  useClass: null,
  useExisting: null,
  provideInjectionTokensFrom: null,
};

/** In `forRoot` the options stand in the same object, and are checked when they are resolved. */
export const SYNC_EXTRAS: ModuleOptions = { names: Object.keys(EXTRA_KEYS), problems: [] };

/** Problems of what `forRootAsync` was given, to be reported together with those of the options. */
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
