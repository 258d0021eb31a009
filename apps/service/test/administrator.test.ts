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

  it('takes the operator at his word for an administrator of before addresses were verified', async () => {
    const { outcome, passwordHash, user } = await seeded(['admin', 'user']);
    expect(outcome).toMatchObject({ outcome: 'found', isAdministrator: true });
    expect(user?.emailVerifiedAt).toEqual(expect.any(Date));
    expect(user?.passwordHash).toBe(passwordHash);
  });

  it('leaves a user as he is who registered with the address and is no administrator', async () => {
    const { outcome, user } = await seeded(['user']);
    expect(outcome).toMatchObject({ outcome: 'found', isAdministrator: false });
    expect(user?.emailVerifiedAt).toBeNull();
  });
});
