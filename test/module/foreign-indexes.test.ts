import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import mongoose, { type Schema } from 'mongoose';
import { AuthModule, DoctorService, type MailMessage, NotificationService } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { expectError, newSession, PASSWORD } from '../support/http.js';

const hosts: HostApp[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const host of hosts.splice(0)) await host.stop();
});

function loggedErrors(): string[] {
  const lines: string[] = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((line: unknown) => void lines.push(String(line)));
  return lines;
}

async function start(...args: Parameters<typeof HostApp.start>): Promise<HostApp> {
  const host = await HostApp.start(...args);
  hosts.push(host);
  return host;
}

describe.each(ADAPTERS)("another program's unique index on the users, on %s", (adapter) => {
  it('is not reported as a taken address: the registration fails, and the log names the index', async () => {
    const host = await start(adapter);
    await host.connection.collection('users').createIndex({ username: 1 }, { unique: true });
    await newSession(host.api());
    const logged = loggedErrors();
    const email = 'new@example.com';
    expectError(await host.api().register({ email, password: PASSWORD }), 500, 'INTERNAL');
    expect(logged.join('\n')).toContain('username_1 { username: 1 }');
    expect(logged.join('\n')).not.toContain(email);
  });

  it('does not hide a taken address', async () => {
    const host = await start(adapter);
    const { email } = await newSession(host.api());
    await host.connection.collection('users').createIndex({ username: 1 }, { unique: true });
    expectError(await host.api().register({ email, password: PASSWORD }), 409, 'EMAIL_TAKEN');
  });

  it('is logged if the answer must not reveal it, and the account is created once it is gone', async () => {
    const sent: MailMessage[] = [];
    const mailer = { send: async (mail: MailMessage) => void sent.push(mail) };
    const host = await start(adapter, { emailVerification: 'required', mailer });
    const users = host.connection.collection('users');
    await users.insertOne({ email: 'first@example.com' });
    await users.createIndex({ username: 1 }, { unique: true });
    const logged = loggedErrors();
    const email = 'new@example.com';
    expect((await host.api().register({ email, password: PASSWORD })).status).toBe(202);
    await eventually(
      async () => logged,
      (lines) => lines.some((line) => line.includes('username_1')),
    );
    expect(sent).toEqual([]);
    await users.dropIndex('username_1');
    await host.app.get(NotificationService).idle();
    expect(sent.map(({ kind, to }) => [kind, to])).toEqual([['email_verification', email]]);
  });

  it('is found by the doctor, as are foreign documents and users who cannot log in', async () => {
    const host = await start(adapter);
    await host.connection.collection('users').createIndex({ username: 1 }, { unique: true });
    await host.connection.collection('users').createIndex({ team: 1 });
    await host.connection.collection('refresh_tokens').createIndex({ tenant: 1 });
    await host.connection.collection('refresh_tokens').insertOne({ token: 'of another library' });
    await host.connection.collection('users').insertOne({ email: 'Ada@example.com', username: 1 });
    await host.connection.collection('users').insertOne({
      email: 'bob@example.com',
      username: 2,
      passwordHash: 'md5',
      tokenVersion: 1,
      roles: [],
      createdAt: new Date(),
    });
    const findings = await host.app.get(DoctorService).examine();
    const found = findings.map(({ code, subject }) => `${code} ${subject}`);
    expect(found.filter((line) => /foreign|users/.test(line)).sort()).toEqual([
      'database.foreign-documents refresh_tokens',
      'database.foreign-index refresh_tokens { tenant: 1 }',
      'database.foreign-unique-index users { username: 1 }',
      'users.email-case users',
      'users.incomplete users',
      'users.unknown-hash users',
      'users.unreadable users',
    ]);
  });
});

it('builds no index that a global Mongoose plugin adds to the schemas of the library', async () => {
  const { plugins } = mongoose as unknown as { plugins: unknown[] };
  const before = plugins.length;
  mongoose.plugin((schema: Schema) => {
    schema.add({ tenant: { type: String, default: 'none', unique: true } });
  });
  try {
    const imports = [AuthModule.forRoot(authOptions())];
    const host = await HostApp.startWith('express', { imports });
    hosts.push(host);
    // The plugin still adds it to the host's own models.
    const own = host.connection.model('Own', new mongoose.Schema({ a: Number }));
    expect(own.schema.indexes()).toEqual([[{ tenant: 1 }, expect.anything()]]);
    await newSession(host.api());
    await newSession(host.api());
    for (const name of ['users', 'refresh_tokens', 'revocations', 'security_events']) {
      const indexes = await host.connection.collection(name).indexes();
      expect(indexes.map(({ key }) => Object.keys(key)).flat()).not.toContain('tenant');
    }
  } finally {
    plugins.splice(before);
  }
});
