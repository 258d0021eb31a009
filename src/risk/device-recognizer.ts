import { Inject, Injectable, Logger } from '@nestjs/common';
import type { EventSource } from '../core/events.js';
import { isFamiliarLogin, isFirstLogin, vouches } from '../core/familiar-device.js';
import type { UserRecord } from '../core/ports.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
  type SessionLogin,
} from '../core/refresh-token.store.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';

/** Reports logins on devices that an account does not know. */
@Injectable()
export class DeviceRecognizer {
  private readonly logger = new Logger('DeviceRecognizer');

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: Pick<ResolvedAuthOptions, 'refreshToken'>,
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Examines a session that has just begun with a login. Queries beyond the live sessions do not delay the request.
   * @param live the user's live sessions, including this one
   */
  examine(
    session: RefreshSession,
    user: Pick<UserRecord, 'createdAt'>,
    live: readonly SessionLogin[],
    source: EventSource,
  ): void {
    // Only earlier logins count: of two simultaneous logins, the later one must not make the earlier one known.
    const begun = { id: session.id, at: session.createdAt };
    const earlier = live.filter((login) => isBefore(login, begun));
    if (isFamiliarLogin(session.device, earlier)) return;
    void this.examineEnded(session, earlier.length === 0 ? user.createdAt : null, source);
  }

  /** @param accountCreatedAt null if the login is certainly not the account's first */
  private async examineEnded(
    { id: sessionId, userId, createdAt, device }: RefreshSession,
    accountCreatedAt: Date | null,
    source: EventSource,
  ): Promise<void> {
    const ended = await this.store.findEndedLogins(userId).catch((error: unknown) => {
      this.logger.warn(`earlier sessions could not be read: ${String(error)}`);
      return null;
    });
    const { idleTtlMs, absoluteTtlMs } = this.options.refreshToken;
    const memoryMs = Math.min(idleTtlMs, absoluteTtlMs);
    // If the query failed, report the login: one report too many is better than a missing one.
    if (ended?.length === 0 && accountCreatedAt && isFirstLogin(accountCreatedAt, createdAt, memoryMs))
      return;
    const known = (ended ?? []).filter(({ revokedReason }) => vouches(revokedReason));
    if (isFamiliarLogin(device, known)) return;
    const { appId, deviceId, deviceName } = device;
    const said = { appId, deviceId, deviceName };
    await this.events.emit('device.first_seen', { userId, sessionId, device: said, source });
  }
}

type Begun = Pick<SessionLogin, 'id' | 'at'>;

function isBefore(one: Begun, other: Begun): boolean {
  return one.at < other.at || (one.at.getTime() === other.at.getTime() && one.id < other.id);
}
