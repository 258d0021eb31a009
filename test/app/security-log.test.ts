import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SecurityLog } from '../../src/app/security-log.js';
import { AuthEventBus } from '../../src/index.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe(SecurityLog.name, () => {
  it('writes who was enabled, as it writes who was disabled', async () => {
    const written: unknown[] = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void written.push(line));
    const bus = new AuthEventBus(null);
    new SecurityLog(bus).onModuleInit();
    for (const name of ['user.disabled', 'user.enabled'] as const)
      await bus.emit(name, { userId: 'user-1', by: null, source: null });
    expect(written).toEqual([
      { event: 'user.disabled', userId: 'user-1', by: null, source: null },
      { event: 'user.enabled', userId: 'user-1', by: null, source: null },
    ]);
  });

  it('writes what was typed as an e-mail address of a locked account alone, and no password by it', async () => {
    const written: object[] = [];
    for (const level of ['log', 'warn'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation((line: object) => void written.push(line));
    const bus = new AuthEventBus(null);
    new SecurityLog(bus).onModuleInit();
    const source = { ip: '203.0.113.9', userAgent: null };
    const typed = { email: 'correct horse battery staple', userId: null, source };
    await bus.emit('login.failed', { ...typed, reason: 'unknown_user' });
    await bus.emit('login.locked', { ...typed, reason: 'failure_limit' });
    await bus.emit('login.locked', { ...typed, email: 'ann@example.com', reason: 'failure_limit' });
    expect(written).toEqual([
      { event: 'login.failed', userId: null, reason: 'unknown_user', source },
      { event: 'login.locked', userId: null, reason: 'failure_limit', source },
      {
        ...{ event: 'login.locked', email: 'ann@example.com', userId: null, source },
        reason: 'failure_limit',
      },
    ]);
  });
});
