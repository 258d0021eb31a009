import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { AuthEventBus } from '../../../src/index.js';
import { SecurityLog } from '../src/app/security-log.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe(SecurityLog.name, () => {
  it('logs who was enabled, as it logs who was disabled', async () => {
    const written = linesOf('warn');
    const bus = logged();
    for (const name of ['user.disabled', 'user.enabled'] as const)
      await bus.emit(name, { userId: 'user-1', by: null, source: null });
    await afterTheAnswer();
    expect(written).toEqual([
      { event: 'user.disabled', userId: 'user-1', by: null, source: null },
      { event: 'user.enabled', userId: 'user-1', by: null, source: null },
    ]);
  });

  it('logs nothing that was typed as an e-mail address', async () => {
    const written = linesOf('log', 'warn');
    const bus = logged();
    await bus.emit('login.failed', { ...typed, reason: 'unknown_user' });
    await bus.emit('login.locked', { ...typed, userId: 'user-1', reason: 'failure_limit' });
    await afterTheAnswer();
    expect(written).toEqual([
      { event: 'login.failed', userId: null, reason: 'unknown_user', source },
      { event: 'login.locked', userId: 'user-1', reason: 'failure_limit', source },
    ]);
  });

  it('logs one line for a flood from one address, and another one for another address', async () => {
    const written = linesOf('warn');
    const bus = logged();
    for (let times = 0; times < 5000; times += 1)
      await bus.emit('login.locked', { ...typed, reason: 'login_limit' });
    const other = { ...typed, source: { ...source, ip: '203.0.113.10' } };
    await bus.emit('login.locked', { ...other, reason: 'login_limit' });
    await afterTheAnswer();
    expect(written).toHaveLength(2);
  });
});

const source = { ip: '203.0.113.9', userAgent: null };
const typed = { email: 'correct horse battery staple', userId: null, source };

function logged(): AuthEventBus {
  const bus = new AuthEventBus(null);
  new SecurityLog(bus).onModuleInit();
  return bus;
}

function linesOf(...levels: ('log' | 'warn')[]): object[] {
  const written: object[] = [];
  for (const level of levels)
    jest.spyOn(Logger.prototype, level).mockImplementation((line: object) => void written.push(line));
  return written;
}

async function afterTheAnswer(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
