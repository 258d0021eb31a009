import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditService, AuthService, type MailMessage, NotificationService } from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';

const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
const WRONG = 'seven-Otters-cross-the-road';
const CLIENT = { id: 'gateway', secret: randomBytes(36).toString('base64url') };
const WRITES = new Set(['insert', 'update', 'delete', 'findAndModify', 'bulkWrite']);

// A standalone server acknowledges a write without `j` before it is on disk, and a crash could lose it.
describe.each(ADAPTERS)('every write on %s', (adapter) => {
  let host: HostApp;
  const sent: MailMessage[] = [];

  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      mailer: { send: async (message) => void sent.push(message) },
      throttle: {},
      audit: { rotations: true },
      introspectionClients: [CLIENT],
      sessions: { maxPerUser: 3 },
      refreshToken: { gracePeriod: 1 },
    });
  });
  afterAll(() => host.stop());

  const post = (path: string, body: object, session?: Session) =>
    host.api().post(path, body, session && { token: session.accessToken });

  async function walk(): Promise<void> {
    const api = host.api();
    const first = await newSession(api);
    const second = await anotherSession(api, first.email, { deviceId: 'phone' });
    for (const password of [WRONG, PASSWORD]) await api.login({ email: first.email, password });
    // More sessions than the cap.
    for (let times = 0; times < 3; times += 1) await anotherSession(api, first.email);
    const next = await refreshed(api, await refreshed(api, await anotherSession(api, first.email)));
    await api.me(next.accessToken);
    await api.refresh(second.refreshToken);
    const changed = sessionOf(
      await post('/auth/change-password', { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }, next),
    );
    await api.logout({ body: { refreshToken: changed.refreshToken ?? '' }, token: changed.accessToken });
    await leave(await newSession(api));
    await recover(first.email);
  }

  async function leave(session: Session): Promise<void> {
    const api = host.api();
    const form = new URLSearchParams({
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      token: session.accessToken,
    });
    await api.send('POST', '/auth/revoke', {
      raw: form.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const others = await anotherSession(api, session.email);
    await api.send('DELETE', `/auth/sessions/${session.id}`, { token: others.accessToken });
    await api.send('DELETE', '/auth/sessions', { token: others.accessToken });
    await post('/auth/logout-all', {}, others);
    await host.app.get(AuthService).disableUser(session.userId);
    await host.app.get(AuthService).enableUser(session.userId);
  }

  async function recover(email: string): Promise<void> {
    await post('/auth/forgot-password', { email });
    await host.app.get(NotificationService).idle();
    const reset = sent.find((message) => message.kind === 'password_reset');
    const answer = await post('/auth/reset-password', { token: reset?.token, newPassword: PASSWORD });
    expect(answer.status).toBe(204);
    await post('/auth/login', { email: uniqueEmail(), password: WRONG });
  }

  it('is on disk at the majority when it is acknowledged', async () => {
    await walk();
    await host.commandsSettled();
    await host.app.get(AuditService, { strict: false }).flush();
    const writes = host.commands.filter(({ commandName }) => WRITES.has(commandName));
    const collections = new Set(writes.map(({ command, commandName }) => String(command[commandName])));
    expect([...collections].sort()).toEqual([
      'action_tokens',
      'refresh_tokens',
      'revocations',
      'security_daily',
      'security_events',
      'throttle',
      'users',
    ]);
    const careless = writes
      .filter(
        ({ command }) => command['writeConcern']?.j !== true || command['writeConcern']?.w !== 'majority',
      )
      .map(({ command, commandName }) => `${commandName} ${command[commandName]}`);
    expect(careless).toEqual([]);
  });
});
