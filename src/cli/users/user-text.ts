import type { AdminUserAnswer } from '../../auth/admin/user-admin.service.js';
import { plain, table } from '../report/terminal-text.js';
import type { UsersAnswer } from './user-request.js';

const DONE = {
  show: null,
  roles: 'Roles set.',
  unlock: 'Unlocked.',
  disable: 'Disabled, and logged out everywhere.',
  enable: 'Enabled.',
  forget: 'Deleted permanently.',
} as const;

/** Text for a terminal. Control characters that users typed are removed. */
export function answerText(answer: UsersAnswer): string {
  if ('done' in answer) {
    const done = DONE[answer.done];
    return `${[...(done === null ? [] : [done, '']), ...userLines(answer.user)].join('\n')}\n`;
  }
  const { items, next } = answer;
  const more = next === undefined ? [] : ['', `More: --after ${plain(next)}`];
  if (items.length === 0)
    return [next === undefined ? 'No users.' : 'No users so far.', ...more, ''].join('\n');
  const rows = items.map(({ id, email, roles, disabledAt }) =>
    [id, email, roles.join(', '), disabledAt ? 'disabled' : ''].map(plain),
  );
  return `${[...table(rows, [{}, {}, {}, {}]), ...more].join('\n')}\n`;
}

function userLines(user: AdminUserAnswer): string[] {
  const rows = [
    ['id', user.id],
    ['e-mail', user.email],
    ['verified', user.emailVerifiedAt?.toISOString() ?? 'no'],
    ['name', user.name ?? ''],
    ['roles', user.roles.join(', ')],
    ['password', user.hasPassword ? 'set' : 'none'],
    ['created', user.createdAt.toISOString()],
    ['disabled', user.disabledAt?.toISOString() ?? 'no'],
  ];
  return table(
    rows.map((row) => row.map(plain)),
    [{}, {}],
  );
}
