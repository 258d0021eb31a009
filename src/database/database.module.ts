import { type DynamicModule, Module } from '@nestjs/common';
import type { Connection } from 'mongoose';
import { CLOCK, type Clock } from '../core/ports.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { DatabaseClock } from './database-clock.js';
import { DatabaseHealth } from './database-health.js';
import { assertConnection, hostConnection } from './host-connection.js';
import { hostProvided } from './host-provided.js';
import { IndexRegistry } from './index-registry.js';
import type { LibraryModules } from './library-modules.js';
import { assertOneMongoose } from './one-mongoose.js';
import { StandstillWatch } from './standstill-watch.js';

@Module({})
export class DatabaseModule {
  static register({
    options,
    connectionName,
  }: Pick<LibraryModules, 'options' | 'connectionName'>): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [options],
      providers: [
        {
          provide: CLOCK,
          // Every module needs the clock, so this is the first place that sees the connection.
          useFactory: ({ clock }: ResolvedAuthOptions, connection: Connection | undefined) => {
            assertConnection(connection, connectionName);
            assertOneMongoose(connection);
            return clock ? hostProvided(clock) : new DatabaseClock(connection);
          },
          inject: [AUTH_OPTIONS, hostConnection(connectionName)],
        },
        {
          provide: DatabaseHealth,
          useFactory: (connection: Connection | undefined, clock: Clock, registry: IndexRegistry) => {
            assertConnection(connection, connectionName);
            return new DatabaseHealth(connection, clock, registry);
          },
          inject: [hostConnection(connectionName), CLOCK, IndexRegistry],
        },
        { provide: StandstillWatch, useFactory: () => new StandstillWatch() },
        IndexRegistry,
      ],
      exports: [CLOCK, DatabaseHealth, IndexRegistry, StandstillWatch],
    };
  }
}
