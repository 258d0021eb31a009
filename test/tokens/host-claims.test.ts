import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { MakeClaims } from '../../src/core/custom-claims.js';
import { AuthError } from '../../src/core/errors.js';
import type { UserRecord } from '../../src/core/ports.js';
import type { ResolvedAuthOptions } from '../../src/options/resolve-options.js';
import { at, newSession } from '../../src/testing/conformance/sample-sessions.js';
import { HostClaims } from '../../src/tokens/host-claims.js';
import type { TokenSigner } from '../../src/tokens/token-signer.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';

const USER = { id: 'u', roles: ['user'] } as unknown as UserRecord;
const store = new InMemoryRefreshTokenStore();
const SESSION = newSession(store);

let signed: unknown[][];
let failure: Error | null;

beforeEach(() => {
  signed = [];
  failure = null;
});
afterEach(() => {
  jest.useRealTimers();
});

function hostClaims(claims: MakeClaims | null): HostClaims {
  const signAccessToken = (...given: unknown[]) => {
    if (failure) throw failure;
    signed.push(given);
  };
  const options = { accessToken: { claims } } as ResolvedAuthOptions;
  return new HostClaims(options, { signAccessToken } as unknown as TokenSigner);
}

const refused = (detail: string) =>
  expect.objectContaining({ code: 'INTERNAL', detail: expect.stringContaining(detail) });

describe(HostClaims.name, () => {
  it('are added if the host has such a function', () => {
    expect([hostClaims(null).areGiven, hostClaims(() => ({})).areGiven]).toEqual([false, true]);
  });

  it('are empty without the function, and a trial token is still made', async () => {
    expect(await hostClaims(null).prepare(USER, SESSION)).toBeUndefined();
    expect(signed).toEqual([[USER, SESSION, { custom: undefined }]]);
  });

  it.each([
    ['at once', () => ({ tenant: 't1' })],
    ['later', async () => ({ tenant: 't1' })],
  ])('are what the function returns %s, checked in a trial token', async (_when, make) => {
    expect(await hostClaims(make).prepare(USER, SESSION)).toEqual({ tenant: 't1' });
    expect(signed).toEqual([[USER, SESSION, { custom: { tenant: 't1' } }]]);
  });

  it('receive the user, and nothing secret about the session', async () => {
    const seen: unknown[] = [];
    const claims = hostClaims((...given) => {
      seen.push(given);
      return {};
    });
    const device = { ...SESSION.device, appId: 'app', deviceId: 'phone-1', deviceName: 'Phone' };
    await claims.prepare(USER, { ...SESSION, device });
    await claims.prepare(USER, { ...SESSION, device, authTime: at(9), amr: ['pwd'] });
    const known = {
      id: SESSION.id,
      createdAt: SESSION.createdAt,
      transport: 'cookie',
      appId: 'app',
      deviceId: 'phone-1',
      deviceName: 'Phone',
    };
    expect(seen).toEqual([
      [USER, { ...known, authTime: SESSION.createdAt, amr: [] }],
      [USER, { ...known, authTime: at(9), amr: ['pwd'] }],
    ]);
  });

  it.each<[string, MakeClaims]>([
    [
      'throws',
      () => {
        throw new Error('no tenant');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no tenant'))],
  ])('a function that %s opens no session, and its error is kept', async (_how, make) => {
    const outcome = hostClaims(make).prepare(USER, SESSION);
    await expect(outcome).rejects.toEqual(refused('accessToken.claims failed'));
    await expect(outcome).rejects.toMatchObject({ cause: { message: 'no tenant' } });
    expect(signed).toEqual([]);
  });

  it('a function that returns no claims, or reserved ones, opens no session', async () => {
    const none = hostClaims(() => null as never).prepare(USER, SESSION);
    await expect(none).rejects.toEqual(refused('accessToken.claims returned null'));
    const reserved = hostClaims(() => ({ sub: 'x' })).prepare(USER, SESSION);
    await expect(reserved).rejects.toEqual(refused('give sub other names'));
    expect(signed).toEqual([]);
  });

  it('a function that does not answer is given up after three seconds', async () => {
    jest.useFakeTimers();
    let outcome: unknown = 'none yet';
    const claims = hostClaims(() => new Promise(() => undefined));
    claims.prepare(USER, SESSION).catch((error: unknown) => (outcome = error));
    await jest.advanceTimersByTimeAsync(2_999);
    expect(outcome).toBe('none yet');
    await jest.advanceTimersByTimeAsync(1);
    expect(outcome).toEqual(refused('accessToken.claims failed'));
  });

  it('a token that cannot be signed opens no session', async () => {
    failure = new AuthError('INTERNAL');
    await expect(hostClaims(() => ({})).prepare(USER, SESSION)).rejects.toBe(failure);
  });
});
