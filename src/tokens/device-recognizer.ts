import { Inject, Injectable, Logger } from '@nestjs/common';
import type { EventSource } from '../core/events.js';
import { isFamiliarLogin } from '../core/familiar-device.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import {
  REFRESH_TOKEN_STORE,
  type RefreshSession,
  type RefreshTokenStore,
  type SessionLogin,
} from './refresh-token.store.js';

/** Tells of logins on devices that an account does not know. */
@Injectable()
export class DeviceRecognizer {
  private readonly logger = new Logger('DeviceRecognizer');

  constructor(
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Looks at a session that has just begun with a login. What the live sessions do not answer is asked off the path of the
   * request.
   * @param live the user's live sessions, this one among them
   */
  examine(session: RefreshSession, live: readonly SessionLogin[], source: EventSource): void {
    const { ip, userAgent, deviceId } = session.device;
    // Of two logins at once the later one is not what makes the earlier one known.
    const earlier = live.filter(({ id, at }) =>
      isBefore({ id, at }, { id: session.id, at: session.createdAt }),
    );
    if (!isFamiliarLogin({ ip, userAgent, deviceId }, earlier)) void this.examineEnded(session, source);
  }

  private async examineEnded({ id, userId, device }: RefreshSession, source: EventSource): Promise<void> {
    const { appId, deviceId, deviceName } = device;
    const ended = await this.store.findEndedLogins(userId).catch((error: unknown) => {
      // Told once too often rather than once too seldom.
      this.logger.warn(`earlier sessions could not be looked at: ${String(error)}`);
      return [];
    });
    if (isFamiliarLogin(device, ended)) return;
    const said = { appId, deviceId, deviceName };
    await this.events.emit('device.first_seen', { userId, sessionId: id, device: said, source });
  }
}

type Begun = Pick<SessionLogin, 'id' | 'at'>;

function isBefore(one: Begun, other: Begun): boolean {
  return one.at < other.at || (one.at.getTime() === other.at.getTime() && one.id < other.id);
}
