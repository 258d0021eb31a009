import type { UserEvent } from './user-event.js';

/** Whether a user may log in, as far as anything shows. */
export type Standing = 'enabled' | 'disabled' | 'unknown';

/**
 * No route says whether a user is disabled; what happened to him does: the newest event that could not have come
 * otherwise, else his sessions, which a disabled user has none of.
 * @param events the newest first
 */
export function standingOf(events: readonly UserEvent[], sessionCount: number): Standing {
  for (const event of events) {
    const shown = shownBy(event);
    if (shown) return shown;
  }
  return sessionCount > 0 ? 'enabled' : 'unknown';
}

function shownBy({ type, reason }: UserEvent): Standing | null {
  switch (type) {
    case 'user.disabled':
      return 'disabled';
    case 'login.failed':
      return reason === 'disabled' ? 'disabled' : null;
    case 'user.enabled':
    case 'user.logged_in':
    case 'user.registered':
      return 'enabled';
    default:
      return null;
  }
}
