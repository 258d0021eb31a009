import { MODULE_OPTIONS } from '../auth/auth.module.js';
import { RAW_AUTH_OPTIONS } from '../auth/auth.module-definition.js';
import type { Clock } from '../core/ports.js';
import type { AuthOptions } from '../options/auth-options.js';
import { AUTH_OPTIONS, type ModuleOptions, resolveOptions } from '../options/resolve-options.js';

/** What `provideTestAuth` changes beside what it always does. */
export interface TestAuthOptions {
  /** Such as a `TestClock`. @default the clock of the application */
  clock?: Clock;
  /** Replace options of the application, group by group. */
  options?: Partial<AuthOptions>;
}

/** Of `@nestjs/testing`: what `Test.createTestingModule` gives. */
interface OverridableModule {
  overrideProvider(token: unknown): {
    useFactory(options: { factory: (...given: never[]) => unknown; inject: unknown[] }): unknown;
  };
}

/**
 * Makes the `AuthModule` of a testing module fit for tests: passwords are hashed quickly, no client is slowed down, nothing
 * is asked of the internet, and the doctor is silent. All else is as the application says.
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
