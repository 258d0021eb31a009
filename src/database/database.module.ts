import { type DynamicModule, Module } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { Clock } from '../core/ports.js';
import { hostProvided } from './host-provided.js';
import { DatabaseClock } from './database-clock.js';
import { DatabaseHealth } from './database-health.js';
import type { ExpectedIndexes } from './ensure-indexes.js';

/** Injection token of the {@link Clock}. */
export const CLOCK = Symbol('CLOCK');

/** The collection of the limiters (`throttle/`) is made by their own library. */
const THROTTLE_INDEXES: ExpectedIndexes = {
  collection: 'throttle',
  indexes: [
    { key: { expire: -1 }, expireAfterSeconds: 0 },
    { key: { key: 1 }, unique: true },
  ],
};

@Module({})
export class DatabaseModule {
  static register(options: DynamicModule, connectionName?: string): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [options],
      providers: [
        {
          provide: CLOCK,
          useFactory: ({ clock }: ResolvedAuthOptions, connection: Connection) =>
            clock ? hostProvided(clock) : new DatabaseClock(connection),
          inject: [AUTH_OPTIONS, getConnectionToken(connectionName)],
        },
        {
          provide: DatabaseHealth,
          useFactory: ({ throttle }: ResolvedAuthOptions, connection: Connection, clock: Clock) =>
            new DatabaseHealth(connection, clock, throttle ? [THROTTLE_INDEXES] : []),
          inject: [AUTH_OPTIONS, getConnectionToken(connectionName), CLOCK],
        },
      ],
      exports: [CLOCK, DatabaseHealth],
    };
  }
}
