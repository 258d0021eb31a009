import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthEventBus, type AuthEvents, AuthService, UsersService } from '../../src/index.js';
import { HostApp } from '../support/host-app.js';
import { PASSWORD, uniqueEmail } from '../support/http.js';

describe('AuthService.checkPassword', () => {
  const client = { ip: '192.0.2.1' };
  const wrong = 'wrong-Otters-cross-the-river';
  const failed: AuthEvents['login.failed'][] = [];
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.start('express', { throttle: { failures: { limit: 2, window: '1h' } } });
    const bus = host.app.get(AuthEventBus);
    const emit = bus.emit.bind(bus);
    bus.emit = async (name, payload) => {
      if (name === 'login.failed') failed.push(payload as AuthEvents['login.failed']);
      await emit(name, payload);
    };
  });
  afterAll(() => host.stop());

  const auth = () => host.app.get(AuthService);
  const newUser = () => host.app.get(UsersService).register({ email: uniqueEmail(), password: PASSWORD });

  it('returns the user, without a secret and without a session', async () => {
    const { id, email } = await newUser();
    const user = await auth().checkPassword(email.toUpperCase(), PASSWORD, client);
    expect(user).toEqual({ id, email, roles: ['user'] });
    expect(await auth().sessions(id)).toEqual([]);
  });

  it('refuses, reports and counts like a login', async () => {
    const user = await newUser();
    const check = (password: string) => auth().checkPassword(user.email, password, client);
    await expect(auth().checkPassword(uniqueEmail(), PASSWORD, client)).rejects.toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
    await expect(check(wrong)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    await check(PASSWORD);
    for (let tries = 0; tries < 2; tries += 1)
      await expect(check(wrong)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    await expect(check(PASSWORD)).rejects.toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
    expect(failed.map(({ reason }) => reason)).toEqual([
      'unknown_user',
      'wrong_password',
      'wrong_password',
      'wrong_password',
    ]);
  });

  it('refuses disabled users', async () => {
    const { id, email } = await newUser();
    await auth().disableUser(id);
    await expect(auth().checkPassword(email, PASSWORD, client)).rejects.toMatchObject({
      code: 'ACCOUNT_DISABLED',
    });
  });
});
