import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import {
  AUTH_EVENTS,
  AuthEventBus,
  type AuthEventName,
  type AuthEvents,
  writablePayload,
} from 'nestjs-silent-auth';

/** Writes events to the service log, except repeated ones of a flood, which the audit log counts. */
@Injectable()
export class SecurityLog implements OnModuleInit {
  private readonly logger = new Logger('Security');

  constructor(private readonly events: AuthEventBus) {}

  onModuleInit(): void {
    this.events.onEvery((name, payload, isExcess) => {
      // Written after the answer is sent.
      if (!isExcess) setImmediate(() => this.write(name, payload));
    });
  }

  private write<Name extends AuthEventName>(name: Name, payload: AuthEvents[Name]): void {
    this.logger[AUTH_EVENTS[name].level]({ event: name, ...writablePayload(payload) });
  }
}
