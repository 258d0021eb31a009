import { beforeEach, describe, expect, it } from '@jest/globals';
import { PasswordLockout } from '../../src/auth/session/password-lockout.js';
import { AuthError } from '../../src/core/errors.js';
import type { UserRecord } from '../../src/core/ports.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import type { Attempt, ThrottleService } from '../../src/throttle/throttle.service.js';
import type { FoundDevice, KnownDevices } from '../../src/tokens/known-devices.js';
import type { UsersService } from '../../src/users/users.service.js';

const OPTIONS = {
  issuer: 'https://api.example.com',
  keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
};
const CLIENT = { ip: '192.0.2.1', userAgent: null, fingerprints: [] };
const SOURCE = { ip: '192.0.2.1', userAgent: null };
const ANN = { id: 'user-1', email: 'ann@example.com' } as UserRecord;
const DEVICE = { id: 'd1', codes: ['c'] };
const REQUEST = { transport: 'cookie' } as const;

let found: FoundDevice | null;
let refusal: AuthError | null;
let attempts: Attempt[];
let taken: string[];
let locked: unknown[];
let lookups: number;

beforeEach(() => {
  found = null;
  refusal = null;
  attempts = [];
  taken = [];
  locked = [];
  lookups = 0;
});

function lockout(throttle?: false): PasswordLockout {
  const limits = {
    beginPasswordAttempt: async (attempt: Attempt) => {
      if (refusal) throw refusal;
      attempts.push(attempt);
      const { account } = attempt;
      return {
        failedBefore: 4,
        succeeded: async () => void taken.push(`succeeded ${account}`),
        cancelled: async () => void taken.push(`cancelled ${account}`),
      };
    },
    forgive: async (account: string, origins: string[]) => void taken.push(`${account} ${origins.join()}`),
  } as unknown as ThrottleService;
  const devices = { find: async () => found, isTrusted: () => found?.isTrusted } as unknown as KnownDevices;
  const events = new AuthEventBus(null);
  events.emit = async (name, payload) => void (name === 'login.locked' && locked.push(payload));
  const findByEmail = async (email: string) => {
    lookups += 1;
    return email === 'ann@example.com' ? { id: 'user-1' } : null;
  };
  const users = { findByEmail } as unknown as UsersService;
  return new PasswordLockout(resolveOptions({ ...OPTIONS, throttle }), limits, devices, events, users);
}

describe(PasswordLockout.name, () => {
  it('counts an unknown device for its address and for the account', async () => {
    const attempt = await lockout().beginLogin(' Ann@Example.com', REQUEST, CLIENT);
    expect(attempts).toEqual([
      { account: 'ann@example.com', origin: 'address:192.0.2.1', device: 'unknown' },
    ]);
    expect(attempt.failedBefore).toBe(4);
  });

  it('counts a device of an earlier token version for itself, with its failures as evidence', async () => {
    found = { id: 'd1', isTrusted: false, isTyped: false };
    const attempt = await lockout().beginLogin('ann@example.com', REQUEST, CLIENT);
    expect(attempts).toEqual([{ account: 'ann@example.com', origin: 'device:d1', device: 'known' }]);
    expect(attempt.failedBefore).toBe(4);
  });

  it('attributes failures on a trusted device to the owner', async () => {
    found = { id: 'd1', isTrusted: true, isTyped: false };
    const attempt = await lockout().beginLogin('ann@example.com', REQUEST, CLIENT);
    expect(attempts).toEqual([{ account: 'ann@example.com', origin: 'device:d1', device: 'trusted' }]);
    expect(attempt.failedBefore).toBe(0);
  });

  it.each([
    [true, 'trusted'],
    [false, 'known'],
  ])('counts a device that only a typed id names per address (trusted: %s)', async (isTrusted, device) => {
    found = { id: 'd1', isTrusted, isTyped: true };
    await lockout().beginLogin('ann@example.com', REQUEST, CLIENT);
    expect(attempts).toEqual([{ account: 'ann@example.com', origin: 'address:192.0.2.1 device:d1', device }]);
  });

  it('looks up no device if throttling is off', async () => {
    found = { id: 'd1', isTrusted: true, isTyped: false };
    await lockout(false).beginLogin('ann@example.com', REQUEST, CLIENT);
    expect(attempts).toMatchObject([{ origin: 'address:192.0.2.1' }]);
  });

  it('counts a password change for the account, the address and the session', async () => {
    const attempt = await lockout().beginChange(ANN, 'session-1', CLIENT);
    expect(attempts).toEqual([
      { account: ANN.email, origin: 'address:192.0.2.1', device: 'unknown', sessionId: 'session-1' },
    ]);
    await attempt.cancelled();
    await attempt.succeeded();
    expect(taken).toEqual(['cancelled ann@example.com', 'succeeded ann@example.com']);
  });

  it('counts it on a trusted device for the device only', async () => {
    found = { id: 'd1', isTrusted: true, isTyped: false };
    await lockout().beginChange(ANN, 'session-1', { ...CLIENT, device: DEVICE });
    expect(attempts).toEqual([{ account: ANN.email, origin: 'device:d1', device: 'trusted' }]);
  });

  it('forgives the address, and the device if there is one', async () => {
    await lockout().forgive(ANN.email, CLIENT);
    await lockout().forgive(ANN.email, { ...CLIENT, device: DEVICE });
    expect(taken).toEqual([
      'ann@example.com address:192.0.2.1',
      'ann@example.com address:192.0.2.1,device:d1',
    ]);
  });

  it('reports a lock, and no other failure', async () => {
    refusal = new AuthError('TOO_MANY_ATTEMPTS');
    await expect(lockout().beginLogin('Ann@example.com', REQUEST, CLIENT)).rejects.toBe(refusal);
    await expect(lockout().beginChange(ANN, 'session-1', CLIENT)).rejects.toBe(refusal);
    refusal = new AuthError('TEMPORARILY_UNAVAILABLE');
    await expect(lockout().beginLogin('ann@example.com', REQUEST, CLIENT)).rejects.toBe(refusal);
    await new Promise((resolve) => setImmediate(resolve));
    const reason = 'failure_limit';
    expect(locked).toHaveLength(2);
    expect(locked).toContainEqual({ email: 'ann@example.com', userId: 'user-1', reason, source: SOURCE });
    expect(locked).toContainEqual({ email: null, userId: 'user-1', reason, source: SOURCE });
  });

  it('looks up once whose address is locked, however many attempts are refused', async () => {
    refusal = new AuthError('TOO_MANY_ATTEMPTS');
    const guarded = lockout();
    for (let times = 0; times < 5; times += 1)
      await expect(guarded.beginLogin('a secret@x.yz', REQUEST, CLIENT)).rejects.toBe(refusal);
    await new Promise((resolve) => setImmediate(resolve));
    expect(locked).toHaveLength(5);
    expect(locked).toContainEqual({
      email: 'a secret@x.yz',
      userId: null,
      reason: 'failure_limit',
      source: SOURCE,
    });
    expect(lookups).toBe(1);
  });
});
