import { expect, it } from '@jest/globals';
import { AuthService, UsersService } from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { anotherSession, newSession, PASSWORD } from '../support/http.js';

it.each(ADAPTERS)(
  'a session overtaken by a disable or a change of password is not listed, on %s',
  async (adapter) => {
    const host = await HostApp.start(adapter);
    try {
      const api = host.api();
      const [users, auth] = [host.app.get(UsersService), host.app.get(AuthService)];
      const { email, userId } = await newSession(api);
      // The state after a concurrent login: its session began after the others were ended.
      await users.retireTokenVersion(userId);
      expect(await auth.sessions(userId)).toEqual([]);
      const { id, accessToken } = await anotherSession(api, email);
      expect((await api.sessions(accessToken)).json).toMatchObject([{ id, current: true }]);
      await users.setDisabled(userId, true);
      expect((await api.login({ email, password: PASSWORD })).status).toBe(403);
      expect(await auth.sessions(userId)).toEqual([]);
      expect(await auth.sessions('0'.repeat(24))).toEqual([]);
    } finally {
      await host.stop();
    }
  },
);
