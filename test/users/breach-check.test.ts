import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { BreachChecker } from '../../src/index.js';
import { HostApp } from '../support/host-app.js';
import { expectError, newSession, PASSWORD, uniqueEmail } from '../support/http.js';

const BREACHED = 'a passphrase that leaked';

/** The next behaviour of the host's checker. */
let isBreached: BreachChecker['isBreached'];
let asked: string[];
let host: HostApp;

beforeAll(async () => {
  const breachCheck: BreachChecker = {
    isBreached: (password, signal) => {
      asked.push(password);
      return isBreached(password, signal);
    },
  };
  host = await HostApp.start('express', {
    password: { bcryptCost: 4, breachCheck, breachCheckTimeout: '100ms' },
  });
});
afterAll(() => host.stop());
beforeEach(() => {
  asked = [];
  isBreached = async (password) => password === BREACHED;
});

/** The warnings logged while `work` runs. */
async function warningsOf(work: () => Promise<unknown>): Promise<string> {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  try {
    await work();
    return JSON.stringify(warn.mock.calls);
  } finally {
    warn.mockRestore();
  }
}

describe('a checker of breached passwords', () => {
  it('a breached password is refused at registration and at a change of password, with the reason', async () => {
    const refused = await host.api().register({ email: uniqueEmail(), password: BREACHED });
    expectError(refused, 400, 'WEAK_PASSWORD');
    expect(refused.json.message).toMatch(/data breach/);

    const { accessToken } = await newSession(host.api());
    const passwords = { currentPassword: PASSWORD, newPassword: BREACHED };
    const kept = await host.api().post('/auth/change-password', passwords, { token: accessToken });
    expectError(kept, 400, 'WEAK_PASSWORD');
    expect(kept.json.message).toMatch(/data breach/);
  });

  it('receives the password in the form that is hashed, and only if the offline rules accept it', async () => {
    const email = uniqueEmail();
    for (const password of ['short', 'password123', email])
      expectError(await host.api().register({ email, password }), 400, 'WEAK_PASSWORD');
    expect(asked).toEqual([]);
    await newSession(host.api(), { email, password: 'ｆｕｌｌｗｉｄｔｈ otters' });
    expect(asked).toEqual(['fullwidth otters']);
  });

  it('is not called at login: a user with a breached password can log in and change it', async () => {
    const { email } = await newSession(host.api());
    asked = [];
    expect((await host.api().login({ email, password: PASSWORD })).status).toBe(200);
    expect(asked).toEqual([]);
  });

  it('a checker that fails refuses nobody, and is logged', async () => {
    isBreached = async () => {
      throw new Error('the list is away', { cause: new Error('connect ECONNREFUSED') });
    };
    const log = await warningsOf(() => newSession(host.api(), { password: BREACHED }));
    expect(log).toContain('not checked against breaches: Error: the list is away (connect ECONNREFUSED)');
    expect(log).not.toContain(BREACHED);
  });

  it('a checker that throws synchronously is no different', async () => {
    isBreached = () => {
      throw new Error('not even a promise');
    };
    expect(await warningsOf(() => newSession(host.api()))).toContain('not even a promise');
  });

  it('a checker that rejects without a reason is no different', async () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as a host may
    isBreached = () => Promise.reject();
    expect(await warningsOf(() => newSession(host.api()))).toContain('not checked against breaches');
  });

  it('a checker that never answers is given up, whether or not it obeys the signal', async () => {
    const signals: AbortSignal[] = [];
    isBreached = (_password, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    };
    const log = await warningsOf(() => newSession(host.api(), { password: BREACHED }));
    expect(log).toMatch(/not checked against breaches: TimeoutError/);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
