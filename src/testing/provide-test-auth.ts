import { MODULE_OPTIONS } from '../auth/auth.module.js';
import { RAW_AUTH_OPTIONS } from '../auth/auth.module-definition.js';
import type { Clock } from '../core/ports.js';
import type { AuthOptions } from '../options/auth-options.js';
import { AUTH_OPTIONS, type ModuleOptions, resolveOptions } from '../options/resolve-options.js';

/** Additional changes that `provideTestAuth` makes. */
export interface TestAuthOptions {
  /** For example a `TestClock`. @default the clock of the application */
  clock?: Clock;
  /** Replace options of the application, group by group. */
  options?: Partial<AuthOptions>;
}

/** The part of `TestingModuleBuilder` of `@nestjs/testing` that is used. */
interface OverridableModule {
  overrideProvider(token: unknown): {
    useFactory(options: { factory: (...given: never[]) => unknown; inject: unknown[] }): unknown;
  };
}

/**
 * Adapts the `AuthModule` of a testing module for tests: fast password hashing, no throttle, no requests to the internet,
 * and no doctor. All other options stay as in the application.
 *
 * @example
 * const builder = Test.createTestingModule({ imports: [AppModule] });
 * const testing = await provideTestAuth(builder, { clock }).compile();
 */
export function provideTestAuth<Builder extends OverridableModule>(
  builder: Builder,
  test: TestAuthOptions = {},
): Builder {
  builder.overrideProvider(AUTH_OPTIONS).useFactory({
    factory: (raw: AuthOptions, module: ModuleOptions) => resolveOptions(forTests(raw, test), module),
    inject: [RAW_AUTH_OPTIONS, MODULE_OPTIONS],
  });
  return builder;
}

function forTests(raw: AuthOptions, { clock, options }: TestAuthOptions): AuthOptions {
  const changed = { ...raw, ...options };
  return {
    ...changed,
    password: { ...changed.password, bcryptCost: 4, breachCheck: false },
    throttle: options?.throttle ?? false,
    doctor: options?.doctor ?? false,
    ...(clock ? { clock } : {}),
  };
}
