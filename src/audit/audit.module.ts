import { type DynamicModule, Module } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { EventsModule } from '../events/events.module.js';
import { AuditService } from './audit.service.js';
import { MongoSecurityEventStore } from './mongo-security-event.store.js';
import { SECURITY_DAY_MODEL, type SecurityDay, SecurityDaySchema } from './security-day.schema.js';
import { SECURITY_EVENT_MODEL, type SecurityEventRow, SecurityEventSchema } from './security-event.schema.js';
import { SECURITY_EVENT_STORE } from './security-event.store.js';
import { SecurityReportService } from './security-report.service.js';

export interface AuditModuleImports {
  readonly options: DynamicModule;
  readonly database: DynamicModule;
  readonly users: DynamicModule;
  readonly tokens: DynamicModule;
}

@Module({})
export class AuditModule {
  static register(
    { options, database, users, tokens }: AuditModuleImports,
    connectionName?: string,
  ): DynamicModule {
    const models = MongooseModule.forFeature(
      [
        { name: SECURITY_EVENT_MODEL, schema: SecurityEventSchema },
        { name: SECURITY_DAY_MODEL, schema: SecurityDaySchema },
      ],
      connectionName,
    );
    return {
      module: AuditModule,
      imports: [options, database, users, tokens, models, EventsModule],
      providers: [
        {
          provide: SECURITY_EVENT_STORE,
          useFactory: (
            events: Model<SecurityEventRow>,
            daily: Model<SecurityDay>,
            { audit }: ResolvedAuthOptions,
          ) => new MongoSecurityEventStore(events, daily, audit !== null),
          inject: [
            getModelToken(SECURITY_EVENT_MODEL, connectionName),
            getModelToken(SECURITY_DAY_MODEL, connectionName),
            AUTH_OPTIONS,
          ],
        },
        AuditService,
        SecurityReportService,
      ],
      exports: [AuditService, SecurityReportService],
    };
  }
}
