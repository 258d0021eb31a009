import { type DynamicModule, Module } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import { THROTTLE_CONNECTION, ThrottleService } from './throttle.service.js';

@Module({})
export class ThrottleModule {
  static register(options: DynamicModule, connectionName?: string): DynamicModule {
    return {
      module: ThrottleModule,
      imports: [options],
      providers: [
        { provide: THROTTLE_CONNECTION, useExisting: getConnectionToken(connectionName) },
        ThrottleService,
      ],
      exports: [ThrottleService],
    };
  }
}
