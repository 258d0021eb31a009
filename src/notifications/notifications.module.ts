import { type DynamicModule, Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { NotificationService } from './notification.service.js';

@Module({})
export class NotificationsModule {
  static register(options: DynamicModule, database: DynamicModule, users: DynamicModule): DynamicModule {
    return {
      module: NotificationsModule,
      imports: [options, database, users, EventsModule],
      providers: [NotificationService],
      exports: [NotificationService],
    };
  }
}
