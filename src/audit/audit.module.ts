import { type DynamicModule, Module } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { IndexRegistry } from '../database/index-registry.js';
import { type LibraryModel, provideModel } from '../database/library-model.js';
import type { LibraryModules } from '../database/library-modules.js';
import { EventsModule } from '../events/events.module.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { AuditService } from './audit.service.js';
import { MongoSecurityEventStore } from './mongo-security-event.store.js';
import { SECURITY_DAY_MODEL, type SecurityDay, SecurityDaySchema } from './security-day.schema.js';
import { SECURITY_EVENT_MODEL, type SecurityEventRow, SecurityEventSchema } from './security-event.schema.js';
import { SECURITY_EVENT_STORE } from './security-event.store.js';

const SECURITY_EVENTS: LibraryModel = {
  name: SECURITY_EVENT_MODEL,
  schema: SecurityEventSchema,
  collection: 'securityEvents',
};
const SECURITY_DAYS: LibraryModel = {
  name: SECURITY_DAY_MODEL,
  schema: SecurityDaySchema,
  collection: 'securityDaily',
};

@Module({})
export class AuditModule {
  static register({
    options,
    database,
    connectionName,
  }: Pick<LibraryModules, 'options' | 'database' | 'connectionName'>): DynamicModule {
    return {
      module: AuditModule,
      imports: [options, database, EventsModule],
      providers: [
        provideModel(SECURITY_EVENTS, connectionName),
        provideModel(SECURITY_DAYS, connectionName),
        {
          provide: SECURITY_EVENT_STORE,
          useFactory: (
            events: Model<SecurityEventRow>,
            daily: Model<SecurityDay>,
            indexes: IndexRegistry,
            { audit }: ResolvedAuthOptions,
          ) => new MongoSecurityEventStore(events, daily, audit === null ? null : indexes),
          inject: [
            getModelToken(SECURITY_EVENT_MODEL, connectionName),
            getModelToken(SECURITY_DAY_MODEL, connectionName),
            IndexRegistry,
            AUTH_OPTIONS,
          ],
        },
        AuditService,
      ],
      exports: [AuditService],
    };
  }
}
