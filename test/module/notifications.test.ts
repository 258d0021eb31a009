import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AuthEventBus,
  AuthService,
  type MailMessage,
  MailRefusedError,
  NotificationService,
} from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { newSession, PASSWORD, type Session, uniqueEmail } from '../support/http.js';

const source = { ip: '198.51.100.7', userAgent: 'stranger' };

describe.each(ADAPTERS)('a host’s mailer on %s', (adapter) => {
  let host: HostApp;
  let sent: MailMessage[];
  let notifications: NotificationService;
  /** The error for the next message. */
  let refusal: Error | null = null;

  beforeAll(async () => {
    const send = async (message: MailMessage) => {
      const error = refusal;
      refusal = null;
      if (error) throw error;
      sent.push(message);
    };
    host = await HostApp.start(adapter, {
      mailer: { send },
      throttle: { failures: { limit: 2, window: '1h' } },
    });
    notifications = host.app.get(NotificationService);
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    sent = [];
  });

  const suspect = ({ userId, id }: Session, sessionId = id) =>
    host.app.get(AuthEventBus).emit('activity.suspected', {
      userId,
      sessionId,
      rule: 'unfamiliar_client',
      action: 'report',
      evidence: {},
      source,
    });

  it('gets the event and the user to notify', async () => {
    const session = await newSession(host.api(), { name: 'Ada' });
    await suspect(session);
    await notifications.idle();
    expect(sent).toEqual([
      {
        kind: 'suspicious_activity',
        cause: 'unusual_activity',
        rule: 'unfamiliar_client',
        ended: 'nothing',
        sessionId: session.id,
        source,
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        at: expect.any(Date),
        to: session.email,
        name: 'Ada',
        userId: session.userId,
      },
    ]);
  });

  it('a thousand suspicions cause few messages, and do not reduce those of another user', async () => {
    const [victim, other] = [await newSession(host.api()), await newSession(host.api())];
    const before = notifications.stats.limited;
    for (let index = 0; index < 1000; index += 1) await suspect(victim, `session-${index % 100}`);
    await suspect(other);
    await notifications.idle();
    expect(sent.filter(({ to }) => to === victim.email)).toHaveLength(5);
    expect(sent.filter(({ to }) => to === other.email)).toHaveLength(1);
    expect(notifications.stats.limited - before).toBe(995);
  });

  it('ASVS 6.3.7: each change of a password is notified, also one by a thief after the user’s own', async () => {
    const { userId, email } = await newSession(host.api());
    const bus = host.app.get(AuthEventBus);
    await bus.emit('password.changed', { userId, source: { ip: '192.0.2.1', userAgent: 'a browser' } });
    await bus.emit('password.changed', { userId, source });
    await bus.emit('password.reset', { userId, source });
    await notifications.idle();
    const mailed = sent.filter(({ to }) => to === email);
    expect(mailed.map(({ kind }) => kind)).toEqual(Array(3).fill('password_changed'));
    // There is a limit, however often it is repeated.
    for (let index = 0; index < 10; index += 1) await bus.emit('password.changed', { userId, source });
    await notifications.idle();
    expect(sent.filter(({ to }) => to === email)).toHaveLength(5);
  });

  it('a suspicious login on a new device is notified once, and once more if the first message is lost', async () => {
    const { userId, email } = await newSession(host.api());
    const bus = host.app.get(AuthEventBus);
    const device = { appId: null, deviceId: null, deviceName: null };
    const login = async (sessionId: string) => {
      const about = { userId, sessionId, source };
      const suspicion = { rule: 'login_after_failures', action: 'report', evidence: {} } as const;
      await bus.emit('activity.suspected', { ...about, ...suspicion });
      await notifications.idle();
      await bus.emit('device.first_seen', { ...about, device });
      await notifications.idle();
    };
    await login('one');
    await login('two');
    const mailed = () => sent.filter(({ to }) => to === email);
    expect(mailed()).toMatchObject([{ cause: 'unusual_activity' }, { cause: 'unusual_activity' }]);
    refusal = new MailRefusedError('not this one');
    await login('three');
    expect(mailed().slice(2)).toMatchObject([{ kind: 'new_device', sessionId: 'three' }]);
  });

  it('guessing at a password is notified to its owner, without revealing whether the account exists', async () => {
    const { email } = await newSession(host.api());
    const guess = (address: string) => host.api().login({ email: address, password: 'wrong password' });
    for (const address of [email, uniqueEmail()])
      for (let attempt = 0; attempt < 4; attempt += 1) await guess(address);
    await notifications.idle();
    expect(sent).toMatchObject([{ to: email, cause: 'password_guessed', sessionId: null }]);
  });

  it('a disabled user is not notified', async () => {
    const session = await newSession(host.api());
    await host.app.get(AuthService).disableUser(session.userId);
    await suspect(session);
    await notifications.idle();
    expect(sent).toEqual([]);
  });

  it('a login on a new device costs a request no additional query: notifications run their queries later', async () => {
    const { email } = await newSession(host.api());
    host.commands.length = 0;
    const stranger = host.api({ 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; rv:143.0) Firefox/143.0' });
    expect((await stranger.login({ email, password: PASSWORD })).status).toBe(200);
    await notifications.idle();
    while (sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const onSessions = host
      .requestCommands()
      .filter(({ command, commandName }) => command[commandName] === 'refresh_tokens');
    expect(onSessions.map(({ commandName }) => commandName)).toEqual(['insert', 'find', 'find']);
    expect(sent).toMatchObject([{ kind: 'new_device', to: email }]);
  });
});

describe('without a mailer', () => {
  it('events are emitted as usual, and no user is looked up for them', async () => {
    const host = await HostApp.start('express');
    try {
      const { userId, id } = await newSession(host.api());
      const bus = host.app.get(AuthEventBus);
      const heard: string[] = [];
      bus.on('password.changed', () => heard.push('password.changed'));
      host.commands.length = 0;
      await bus.emit('password.changed', { userId, source });
      expect(heard).toEqual(['password.changed']);
      expect(host.requestCommands()).toEqual([]);
      const { stats, isOn } = host.app.get(NotificationService);
      expect({ isOn, id, stats }).toEqual({
        isOn: false,
        id,
        stats: { waiting: 0, sent: 0, retried: 0, failed: 0, dropped: 0, limited: 0 },
      });
    } finally {
      await host.stop();
    }
  });
});
