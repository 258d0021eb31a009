import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { resolveVerifyOnlyOptions } from '../../../src/options/verify-only.options.js';
import { RemoteKeySet } from '../../../src/tokens/keys/remote-key-set.js';
import { CLAIMS, ISSUER, newKey, now, publicOf, signedBy } from '../../support/foreign-tokens.js';
import { sign } from '../../support/tokens.js';
import { KeySetServer } from '../../support/verifying-host.js';

let server: KeySetServer;
beforeEach(async () => {
  server = await KeySetServer.start();
});
afterEach(() => server.stop());

const keySet = () =>
  new RemoteKeySet(
    resolveVerifyOnlyOptions({ issuer: ISSUER, jwksUri: server.url }, { names: [], problems: [] }),
  );

it('fetches nothing for a token that no key of a set can have signed', async () => {
  const key = newKey('a', 'ES256');
  const keys = keySet();
  const claims = { ...CLAIMS, exp: now() + 300 };
  for (const token of [
    'a.b.c',
    `${'x'.repeat(9000)}.a.b`,
    sign({ alg: 'HS256', typ: 'at+jwt', kid: 'a' }, claims, 'secret'),
    await signedBy(key, {}, { typ: 'JWT' }),
  ])
    expect(keys.load(token)).toBeUndefined();
  expect(server.fetched).toBe(0);
  await keys.load(await signedBy(key));
  expect(server.fetched).toBe(1);
});

it('fetches once for simultaneous requests, and returns keys for access tokens only', async () => {
  const key = newKey('a', 'ES256');
  server.answer = { body: { keys: [publicOf(key)] } };
  const keys = keySet();
  const token = await signedBy(key);
  expect(keys.verifyingKey('access', token)).toBeNull();
  await Promise.all([keys.load(token), keys.load(token), keys.load(token)]);
  expect(server.fetched).toBe(1);
  expect(keys.load(token)).toBeUndefined();
  expect(keys.verifyingKey('access', token)?.asymmetricKeyType).toBe('ec');
  expect(keys.verifyingKey('refresh', token)).toBeNull();
});

it('limits the length of the answer', async () => {
  const key = newKey('a', 'ES256');
  server.answer = { body: { keys: [publicOf(key)], padding: 'x'.repeat(1_100_000) } };
  await expect(keySet().load(await signedBy(key))).rejects.toMatchObject({
    code: 'TEMPORARILY_UNAVAILABLE',
    cause: expect.objectContaining({ message: 'the answer is longer than 1000000 bytes' }),
  });
});

it('warns that plain HTTP lets others add keys to the set, except on this machine', () => {
  const warned: string[] = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void warned.push(String(line)));
  for (const jwksUri of [
    'http://127.0.0.1:1/jwks',
    'http://localhost:1/jwks',
    'https://192.0.2.1/jwks',
    'http://192.0.2.1/jwks',
  ]) {
    const keys = new RemoteKeySet(
      resolveVerifyOnlyOptions({ issuer: ISSUER, jwksUri }, { names: [], problems: [] }),
    );
    keys.onApplicationBootstrap();
    keys.onModuleDestroy();
  }
  jest.restoreAllMocks();
  expect(warned).toEqual([expect.stringContaining('http://192.0.2.1/jwks is fetched over plain HTTP')]);
});

it('aborts when the application closes', async () => {
  server.answer = null;
  const keys = keySet();
  const loading = keys.load(await signedBy(newKey('a', 'ES256')));
  keys.onModuleDestroy();
  await expect(loading).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
});
