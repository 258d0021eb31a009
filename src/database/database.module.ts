import { type DynamicModule, Module } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { CLOCK, type Clock } from '../core/ports.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { DatabaseClock } from './database-clock.js';
import { DatabaseHealth } from './database-health.js';
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
          useFactory: ({ clock }: ResolvedAuthOptions, connection: Connection) => {
            assertOneMongoose(connection);
            return clock ? hostProvided(clock) : new DatabaseClock(connection);
          },
          inject: [AUTH_OPTIONS, getConnectionToken(connectionName)],
        },
        {
          provide: DatabaseHealth,
          useFactory: (connection: Connection, clock: Clock, registry: IndexRegistry) =>
            new DatabaseHealth(connection, clock, registry),
          inject: [getConnectionToken(connectionName), CLOCK, IndexRegistry],
        },
        { provide: StandstillWatch, useFactory: () => new StandstillWatch() },
        IndexRegistry,
      ],
      exports: [CLOCK, DatabaseHealth, IndexRegistry, StandstillWatch],
    };
  }
}
