import type { DynamicModule } from '@nestjs/common';

/** The input of each module of the library: the modules below it, and the name of the host's connection. */
export interface LibraryModules {
  readonly connectionName: string | undefined;
  readonly options: DynamicModule;
  readonly database: DynamicModule;
  readonly throttle: DynamicModule;
  readonly revocation: DynamicModule;
  readonly users: DynamicModule;
  readonly tokens: DynamicModule;
}
