/** A row of the audit log, as far as it is shown. */
export interface UserEvent {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  /** The administrator who did it. */
  readonly by?: string;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly reason?: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

export interface EventPage {
  readonly items: readonly UserEvent[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** Longer than any lock of the service lasts. */
const LOCK_MS = 15 * 60_000;

/**
 * The event that locked the account; null if it is too old, or the account was unlocked since.
 * @param events the newest first
 */
export function latestLock(events: readonly UserEvent[], now: number): UserEvent | null {
  const newest = events.find(({ type }) => type === 'login.locked' || type === 'user.unlocked');
  if (newest?.type !== 'login.locked') return null;
  return now - Date.parse(newest.at) < LOCK_MS ? newest : null;
}
