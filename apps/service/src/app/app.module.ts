import { type DynamicModule, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { TerminusModule } from '@nestjs/terminus';
import { AuthModule, KeyRing, type RevocationStore } from 'nestjs-silent-auth';
import type { AppConfig } from '../config/config.js';
import { DemoModule } from '../demo/demo.module.js';
import { KeyFileWatcher } from '../keys/key-file-watcher.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { SERVER_SELECTION_TIMEOUT_MS } from '../storage/choose-database.js';
import { serviceDocument } from '../web/docs.js';
import { HealthController } from './health.controller.js';
import { SecurityLog } from './security-log.js';

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
        ...(config.metrics ? [MetricsModule.register(config, config.metrics, serviceDocument(config))] : []),
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
