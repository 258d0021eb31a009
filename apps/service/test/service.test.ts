import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseProxy } from '../../../test/support/database-proxy.js';
import { eventually } from '../../../test/support/eventually.js';
import { isListening } from '../../../test/support/free-port.js';
import { anotherSession, newSession, refreshed, sessionOf } from '../../../test/support/http.js';
import { Service } from '../../../test/support/service.js';

/** `npm start` on a fresh machine: nothing set, the embedded database, development keys. */
const FRESH = { MONGODB_URI: undefined, JWT_ACCESS_KEYS: undefined, JWT_REFRESH_KEYS: undefined };

describe('the service on a fresh machine', () => {
  let service: Service;

  beforeAll(async () => {
    service = await Service.start(FRESH);
  });
  afterAll(() => service.dispose());

  it('prints its URL, its database, and what to try', async () => {
    const output = await service.untilBanner();
    expect(output).toContain(`http://localhost:${service.port}`);
    expect(output).toContain('database: embedded development database');
    expect(output).toContain('throttle: off');
    const url = `http://localhost:${service.port}`;
    expect(output).toMatch(new RegExp(`see it at work +${url}/\n`));
    expect(output).toMatch(new RegExp(`security report +${url}/report +for administrators\n`));
    expect(output).toMatch(new RegExp(`API +${url}/docs\n`));
    expect(output).toContain('A restart logs nobody out.');
    expect(output).toContain('curl ');
    expect(output).toContain('Next: README.md');
    expect(output).toContain('development keys');
  });

  it('is alive and ready', async () => {
    expect((await service.api().send('GET', '/health/live')).json).toEqual({ status: 'ok' });
    expect((await service.api().send('GET', '/health/ready')).json).toMatchObject({ status: 'ok' });
  });

  it('shows the credentials of its administrator once, never through the logger, and they work', async () => {
    const [, email = '', password = ''] =
      /administrator: (\S+)\n +password: (\S+) +shown this once/.exec(await service.untilBanner()) ?? [];
    const answer = await service.api().login({ email, password });
    expect(answer.json.user.roles).toContain('admin');
    expect(service.output.split(password)).toHaveLength(2);
    await service.restart();
    const output = await service.untilBanner();
    expect(output).toContain(`administrator: ${email}; password lost?`);
    expect(output).not.toContain('shown this once');
  });

  it.each(['SIGTERM', 'kill -9'])('a restart after %s logs nobody out', async (how) => {
    const api = service.api();
    const sessions = await Promise.all([newSession(api), newSession(api), newSession(api)]);
    const first = sessions[0];
    if (!first) throw new Error('three sessions');
    const latest = [await refreshed(api, first), ...sessions.slice(1)];
    if (how === 'kill -9') await service.kill();
    await service.restart();
    for (const session of latest) {
      expect((await api.me(session.accessToken)).status).toBe(200);
      await refreshed(api, session);
    }
    await anotherSession(api, first.email);
  });

  it('a logout survives a restart', async () => {
    const api = service.api();
    const session = await newSession(api);
    expect((await api.logout({ token: session.accessToken })).status).toBe(204);
    await service.restart();
    expect((await api.refresh(session.refreshToken)).json.code).toBe('SESSION_REVOKED');
    expect((await api.me(session.accessToken)).json.code).toBe('ACCESS_TOKEN_REVOKED');
  });
});

describe('the lifetime of the process', () => {
  it('answers requests in flight when it is stopped, then stops', async () => {
    const line = await DatabaseProxy.open('in_flight');
    const service = await Service.start({ MONGODB_URI: line.uri });
    try {
      line.freeze();
      const registration = newSession(service.api());
      await eventually(async () => line.isHolding('users'), Boolean);
      const stopping = service.stop();
      expect(
        await eventually(
          () => isListening(service.port),
          (is) => !is,
        ),
      ).toBe(false);
      line.thaw();
      expect((await registration).accessToken).toMatch(/\./);
      expect(await stopping).toBe(0);
    } finally {
      await service.dispose();
      await line.close();
    }
  });

  it('stops soon, and with code 0, while its database is away', async () => {
    const proxy = await DatabaseProxy.open('stopping');
    const service = await Service.start({ MONGODB_URI: proxy.uri });
    try {
      const sessions = [await newSession(service.api()), await newSession(service.api())];
      proxy.cut();
      // The first request finds its connection gone, the second no server. The server sees both sessions for the
      // first time: their confirmations wait for the database, and so do the reads of revocations.
      for (const { accessToken } of sessions) expect((await service.api().me(accessToken)).status).toBe(503);
      // In time: it throws if that takes longer than the service promises.
      expect(await service.stop()).toBe(0);
    } finally {
      await service.dispose();
      await proxy.close();
    }
  });

  it('an idle connection does not keep it from stopping', async () => {
    const service = await Service.start();
    const socket = connect(service.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    try {
      expect(await service.stop()).toBe(0);
    } finally {
      socket.destroy();
      await service.dispose();
    }
  });

  it('refuses a port in use in one sentence', async () => {
    const service = await Service.start();
    try {
      const { exitCode, output } = await Service.refusal({ PORT: String(service.port) });
      expect(exitCode).toBe(1);
      expect(output).toContain(`Port ${service.port} is in use`);
      expect(output).not.toContain('    at ');
    } finally {
      await service.dispose();
    }
  });

  it('refuses a database that does not answer, naming it', async () => {
    const { exitCode, output } = await Service.refusal({ MONGODB_URI: 'mongodb://127.0.0.1:9/none' });
    expect(exitCode).toBe(1);
    expect(output).toMatch(/database does not answer.*127\.0\.0\.1:9/);
    // One sentence, without the driver's stack at every attempt.
    expect(output.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    [{ ADMIN_PASSWORD: 'short' }, /ADMIN_PASSWORD = \(secret\): .*at least 8/],
    [{ ADMIN_PASSWORD: 'x'.repeat(200) }, /ADMIN_PASSWORD = \(secret\): .*at most 128/],
    [
      { DATA_DIR: '/dev/null/data', JWT_ACCESS_KEYS: undefined },
      /DATA_DIR = '\/dev\/null\/data': cannot be written/,
    ],
    [{ HOST: 'nowhere.invalid' }, /HOST is not an address of this machine: nowhere\.invalid/],
    [{ HOST: '192.0.2.1' }, /HOST is not an address of this machine: 192\.0\.2\.1/],
  ])('names the setting that keeps it from starting: %j', async (setting, sentence) => {
    const { exitCode, output } = await Service.refusal(setting);
    expect(exitCode).toBe(1);
    expect(output).toMatch(sentence);
    expect(output).not.toContain('    at ');
    expect(output).not.toMatch(/: short|xxxx/);
  });

  it('warns if ADMIN_EMAIL names a user who is not an administrator, and does not change the user', async () => {
    const service = await Service.start();
    try {
      const { email } = await newSession(service.api());
      await service.restart({ ADMIN_EMAIL: email, ADMIN_PASSWORD: 'another long passphrase' });
      expect(await service.untilBanner()).toMatch(
        /warning: ADMIN_EMAIL names an existing user without the role admin/,
      );
      await anotherSession(service.api(), email);
    } finally {
      await service.dispose();
    }
  });

  it.each(['express', 'fastify'])('stops on %s, with a connection that is kept alive', async (adapter) => {
    const service = await Service.start({ HTTP_ADAPTER: adapter });
    const socket = connect(service.port, '127.0.0.1');
    try {
      socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await new Promise((resolve) => socket.once('data', resolve));
      expect(await service.stop()).toBe(0);
      expect(service.output).not.toContain('    at ');
    } finally {
      socket.destroy();
      await service.dispose();
    }
  });

  it('production without its settings names each of them and its fix, and starts nothing', async () => {
    const { exitCode, output } = await Service.refusal({ ...FRESH, NODE_ENV: 'production' });
    expect(exitCode).toBe(1);
    for (const name of ['MONGODB_URI', 'JWT_ACCESS_KEYS', 'JWT_REFRESH_KEYS'])
      expect(output).toContain(`- ${name} =`);
    expect(output).not.toContain('    at ');
  });

  it('two instances share their state: a session of one is a session of the other', async () => {
    const one = await Service.start();
    const settings = Object.fromEntries(Object.entries(one.settings).filter(([name]) => name !== 'PORT'));
    const two = await Service.start(settings);
    try {
      const session = sessionOf(await two.api().refresh((await newSession(one.api())).refreshToken));
      expect((await one.api().me(session.accessToken)).status).toBe(200);
    } finally {
      await two.dispose();
      await one.dispose();
    }
  });
});
