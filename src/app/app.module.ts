import { type DynamicModule, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { TerminusModule } from '@nestjs/terminus';
import { AuthModule, KeyRing, type RevocationStore } from '../index.js';
import type { AppConfig } from './config.js';
import { DemoModule } from './demo/demo.module.js';
import { HealthController } from './health.controller.js';
import { KeyFileWatcher } from './keys/key-file-watcher.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { SecurityLog } from './security-log.js';

/** Without a server a request must fail soon, with 503, not after the driver's default half minute. */
const SERVER_SELECTION_TIMEOUT_MS = 3000;

@Module({})
export class AppModule {
  static register(config: AppConfig, databaseUri: string, store?: RevocationStore): DynamicModule {
    const { revocation, ...auth } = config.auth;
    return {
      module: AppModule,
      imports: [
        MongooseModule.forRoot(databaseUri, {
          serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
          retryAttempts: 2,
          retryDelay: 1000,
          autoIndex: config.database.buildsIndexes,
        }),
        AuthModule.forRoot({ ...auth, revocation: { ...revocation, store } }),
        TerminusModule.forRoot({ logger: false }),
        ...(config.hasDemo ? [DemoModule] : []),
        ...(config.metrics ? [MetricsModule.register(config, config.metrics)] : []),
      ],
      controllers: [HealthController],
      providers: [
        SecurityLog,
        {
          provide: KeyFileWatcher,
          useFactory: (ring: KeyRing) => new KeyFileWatcher(ring, config.keySources),
          inject: [KeyRing],
        },
      ],
    };
  }
}
