import { Module } from '@nestjs/common';
import { AuthEventBus } from './auth-event-bus.js';

@Module({ providers: [AuthEventBus], exports: [AuthEventBus] })
export class EventsModule {}
