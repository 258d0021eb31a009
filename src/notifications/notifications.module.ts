import { type DynamicModule, Module } from '@nestjs/common';
import type { LibraryModules } from '../database/library-modules.js';
import { EventsModule } from '../events/events.module.js';
import { NotificationService } from './notification.service.js';

@Module({})
export class NotificationsModule {
  static register({
    options,
    database,
    users,
  }: Pick<LibraryModules, 'options' | 'database' | 'users'>): DynamicModule {
    return {
      module: NotificationsModule,
      imports: [options, database, users, EventsModule],
      providers: [NotificationService],
      exports: [NotificationService],
    };
  }
}
