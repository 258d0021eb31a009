import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { AuthEventBus, type AuthEventName } from '../index.js';

/**
 * How loud each event is: `warn` is what an operator wants to see at once. A record of every event, so that the compiler
 * misses the one that is forgotten. They hold ids and addresses, never a secret.
 */
const LEVELS = {
  'user.registered': 'log',
  'user.logged_in': 'log',
  'device.first_seen': 'log',
  'login.failed': 'log',
  'login.locked': 'warn',
  'user.logged_out': 'log',
  'user.disabled': 'warn',
  'user.enabled': 'warn',
  'records.viewed': 'log',
  'access.denied': 'warn',
  // What clients do all day.
  'refresh_token.rotated': 'debug',
  'refresh_token.replayed': 'debug',
  'refresh_token.recovered': 'log',
  'refresh_token.refused': 'log',
  'refresh_token.restored': 'warn',
  'refresh_token.reuse_detected': 'warn',
  'session.revoked': 'log',
  'session.evicted': 'log',
  'fingerprint.mismatched': 'warn',
  'activity.suspected': 'warn',
  'password.changed': 'log',
  'password.reset_requested': 'log',
  'password.reset': 'warn',
  'email.verified': 'log',
  'access_token.revoked': 'log',
  'client.refused': 'warn',
  'key.retired': 'log',
} as const satisfies Record<AuthEventName, 'warn' | 'log' | 'debug'>;

/** Writes security events to the log of the service. */
@Injectable()
export class SecurityLog implements OnModuleInit {
  private readonly logger = new Logger('Security');

  constructor(private readonly events: AuthEventBus) {}

  onModuleInit(): void {
    for (const name of Object.keys(LEVELS) as AuthEventName[])
      this.events.on(name, (payload) => this.logger[LEVELS[name]]({ event: name, ...toldOf(name, payload) }));
  }
}

/**
 * Without what was typed as an address at a failed login: people type passwords into that field. Of an account that is
 * locked it was typed again and again, and whose it is must be known.
 */
function toldOf(name: AuthEventName, payload: object): object {
  if (!('email' in payload)) return payload;
  const isAddress = /^[^\s@]+@[^\s@]+$/.test(String(payload.email));
  return name === 'login.locked' && isAddress ? payload : { ...payload, email: undefined };
}
