import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UsersService } from '../../../src/index.js';
import { HostApp } from '../../../test/support/host-app.js';
import { PASSWORD, uniqueEmail } from '../../../test/support/http.js';
import { seedAdministrator } from '../src/administrator.js';

describe(seedAdministrator.name, () => {
  let host: HostApp;
  let users: UsersService;
  beforeAll(async () => {
    host = await HostApp.start('express');
    users = host.app.get(UsersService);
  });
  afterAll(() => host.stop());

  async function seeded(roles: readonly string[]) {
    const email = uniqueEmail();
    const { passwordHash } = await users.register({ email, password: PASSWORD, roles });
    const outcome = await seedAdministrator(users, { email, password: `${PASSWORD}!` });
    return { outcome, passwordHash, user: await users.findByEmail(email) };
  }

  it('treats the address of an administrator from before e-mail verification as verified', async () => {
    const { outcome, passwordHash, user } = await seeded(['admin', 'user']);
    expect(outcome).toMatchObject({ outcome: 'found', isAdministrator: true });
    expect(user?.emailVerifiedAt).toEqual(expect.any(Date));
    expect(user?.passwordHash).toBe(passwordHash);
  });

  it('does not change a user who registered with the address and is not an administrator', async () => {
    const { outcome, user } = await seeded(['user']);
    expect(outcome).toMatchObject({ outcome: 'found', isAdministrator: false });
    expect(user?.emailVerifiedAt).toBeNull();
  });
});
