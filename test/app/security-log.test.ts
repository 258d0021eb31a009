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
});
