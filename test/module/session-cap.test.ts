import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Types } from 'mongoose';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { anotherSession, newSession } from '../support/http.js';

describe.each(ADAPTERS)('the cap of sessions, in a host on %s', (adapter) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.start(adapter, { sessions: { maxPerUser: 20 } });
  });
  afterAll(() => host.stop());

  it('a login far above it, after the cap was lowered, ends the excess with a few commands', async () => {
    const api = host.api();
    const first = await newSession(api);
    const sessions = host.connection.collection('refresh_tokens');
    const row = await sessions.findOne({ _id: new Types.ObjectId(first.id) });
    await sessions.insertMany(Array.from({ length: 300 }, () => ({ ...row, _id: new Types.ObjectId() })));
    await host.commandsSettled();
    host.commands.length = 0;
    await anotherSession(api, first.email);
    expect(host.requestCommands().length).toBeLessThanOrEqual(8);
    expect(await sessions.countDocuments({ userId: first.userId, revokedAt: null })).toBe(20);
    expect(await host.connection.collection('revocations').countDocuments()).toBe(282);
  });
});
