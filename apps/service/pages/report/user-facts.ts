import { html } from '../dom.js';
import { latestLock, type UserEvent } from './user-event.js';
import { time } from './user-lists.js';
import type { UserRecord } from './user-source.js';

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

const fact = (name: string, ...value: (Node | string)[]): HTMLElement =>
  html('div', {}, html('dt', {}, name), html('dd', {}, html('bdi', {}, ...value)));
