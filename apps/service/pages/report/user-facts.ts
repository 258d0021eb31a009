import { html } from '../dom.js';
import type { UserEvent } from './user-event.js';
import { time } from './user-lists.js';
import type { UserRecord } from './user-source.js';

/** Longer than any lock of the service lasts. */
const LOCK_MS = 15 * 60_000;

/** The account in lines of a list: what a support call asks first. */
export function accountFacts(
  user: UserRecord,
  events: readonly UserEvent[],
  now = Date.now(),
): HTMLElement[] {
  const { name, roles, createdAt, emailVerifiedAt, disabledAt, hasPassword } = user;
  const lock = latestLock(events, now);
  return [
    ...(name === undefined ? [] : [fact('Name', name)]),
    fact('Sign-in', ...(disabledAt === null ? ['enabled'] : ['disabled since ', time(disabledAt)])),
    fact(
      'Locked out',
      ...(lock ? ['refused as one too many, ', time(lock.at)] : ['no, in the last 15 minutes']),
    ),
    fact('Roles', roles.join(', ') || 'none'),
    fact('E-mail', ...(emailVerifiedAt === null ? ['not verified'] : ['verified ', time(emailVerifiedAt)])),
    fact('Password', hasPassword ? 'set' : 'none: this user signs in by other means'),
    fact('Registered', time(createdAt)),
  ];
}

/** Null: none within the time that a lock lasts, or the account was unlocked since. @param events the newest first */
export function latestLock(events: readonly UserEvent[], now: number): UserEvent | null {
  const newest = events.find(({ type }) => type === 'login.locked' || type === 'user.unlocked');
  if (newest?.type !== 'login.locked') return null;
  return now - Date.parse(newest.at) < LOCK_MS ? newest : null;
}

const fact = (name: string, ...value: (Node | string)[]): HTMLElement =>
  html('div', {}, html('dt', {}, name), html('dd', {}, html('bdi', {}, ...value)));
