import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { AuthEventBus, type AuthEventName } from '../index.js';

/** What an operator wants to see at once; ids and addresses only, as events never hold a secret. */
const ALARMS: readonly AuthEventName[] = [
  'refresh_token.reuse_detected',
  'refresh_token.restored',
  'fingerprint.mismatched',
  'user.disabled',
  'login.locked',
];
const NEWS: readonly AuthEventName[] = [
  'user.registered',
  'user.logged_in',
  'login.failed',
  'user.logged_out',
  'refresh_token.recovered',
  'session.revoked',
  'password.changed',
];

/** Writes security events to the log of the service. */
@Injectable()
export class SecurityLog implements OnModuleInit {
  private readonly logger = new Logger('Security');

  constructor(private readonly events: AuthEventBus) {}

  onModuleInit(): void {
    for (const name of ALARMS)
      this.events.on(name, (payload) => this.logger.warn({ event: name, ...payload }));
    for (const name of NEWS) this.events.on(name, (payload) => this.logger.log({ event: name, ...payload }));
  }
}
