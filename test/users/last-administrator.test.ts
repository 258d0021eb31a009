import { describe, expect, it } from '@jest/globals';
import type { UserList, UserQuery, UserRecord } from '../../src/core/ports.js';
import { isLastAdministrator } from '../../src/users/last-administrator.js';
import type { UsersService } from '../../src/users/users.service.js';

const user = (id: string) => ({ id, roles: ['admin'] }) as unknown as UserRecord;

/** A store whose list ends early after each of these pages. */
function pages(...all: UserList[]): { users: UsersService; asked: (string | undefined)[] } {
  const asked: (string | undefined)[] = [];
  const list = async ({ after }: UserQuery): Promise<UserList> => {
    asked.push(after);
    return all[asked.length - 1] ?? { users: [], after };
  };
  return { users: { canList: true, list } as unknown as UsersService, asked };
}

describe('the last administrator', () => {
  it('is one if the whole list has nobody else', async () => {
    const { users, asked } = pages(
      { users: [], after: 'a' },
      { users: [user('one')], after: 'b' },
      { users: [] },
    );
    expect(await isLastAdministrator(users, user('one'))).toBe(true);
    expect(asked).toEqual([undefined, 'a', 'b']);
  });

  it('is not one if another follows after a list that ended early', async () => {
    const { users, asked } = pages(
      { users: [user('one')], after: 'a' },
      { users: [user('two')], after: 'b' },
    );
    expect(await isLastAdministrator(users, user('one'))).toBe(false);
    expect(asked).toEqual([undefined, 'a']);
  });

  it('a store that does not move on ends the search, and the administrator counts as the last', async () => {
    const { users } = pages({ users: [user('one')], after: 'a' }, { users: [], after: 'a' });
    expect(await isLastAdministrator(users, user('one'))).toBe(true);
  });

  it('a user without the role is never the last administrator', async () => {
    const { users, asked } = pages({ users: [] });
    expect(await isLastAdministrator(users, { id: 'one', roles: ['user'] })).toBe(false);
    expect(asked).toEqual([]);
  });
});
