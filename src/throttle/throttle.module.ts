import { type DynamicModule, Module } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { MongoLimiterStore } from './mongo-limiter.store.js';
import { ThrottleService } from './throttle.service.js';

@Module({})
export class ThrottleModule {
  static register(options: DynamicModule, connectionName?: string): DynamicModule {
    return {
      module: ThrottleModule,
      imports: [options],
      providers: [
        {
          provide: MongoLimiterStore,
          useFactory: (connection: Connection) => new MongoLimiterStore(connection),
          inject: [getConnectionToken(connectionName)],
        },
        ThrottleService,
      ],
      exports: [ThrottleService],
    };
  }
}
