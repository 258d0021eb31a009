import { type DynamicModule, Module } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { hostProvided } from './host-provided.js';
import { DatabaseClock } from './database-clock.js';

/** Injection token of the {@link Clock}. */
export const CLOCK = Symbol('CLOCK');

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
      ],
      exports: [CLOCK],
    };
  }
}
