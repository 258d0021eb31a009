import { type DynamicModule, Module } from '@nestjs/common';
import type { Connection } from 'mongoose';
import { assertConnection, hostConnection } from '../database/host-connection.js';
import { IndexRegistry } from '../database/index-registry.js';
import type { LibraryModules } from '../database/library-modules.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { MongoCounterStore } from './mongo-counter.store.js';
import { ThrottleService } from './throttle.service.js';

@Module({})
export class ThrottleModule {
  static register({
    options,
    database,
    connectionName,
  }: Pick<LibraryModules, 'options' | 'database' | 'connectionName'>): DynamicModule {
    return {
      module: ThrottleModule,
      imports: [options, database],
      providers: [
        {
          provide: MongoCounterStore,
          useFactory: (
            connection: Connection | undefined,
            indexes: IndexRegistry,
            { collections }: ResolvedAuthOptions,
          ) => {
            assertConnection(connection, connectionName);
            return new MongoCounterStore(connection, indexes, collections.throttle);
          },
          inject: [hostConnection(connectionName), IndexRegistry, AUTH_OPTIONS],
        },
        ThrottleService,
      ],
      exports: [ThrottleService],
    };
  }
}
