import { describe, expect, it } from '@jest/globals';
import { checkOptions } from '../../src/index.js';

const MINIMAL = {
  issuer: 'https://api.example.com',
  keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
};
const keysRefused = (over: object) => checkOptions({ ...MINIMAL, ...over }).map(({ key }) => key);

describe('names of collections and fields', () => {
  it('accepts every name that MongoDB accepts', () => {
    expect(keysRefused({ collections: { users: 'app.Members', throttle: 'auth-attempts' } })).toEqual([]);
    expect(keysRefused({ users: { fields: { passwordHash: 'password', email: 'e-mail' } } })).toEqual([]);
  });

  it.each(['', 'a$b', 'system.users', '.users', 'users.', 'nul\0', 'x'.repeat(101), 7, null, {}])(
    'refuses %j as a collection',
    (name) => {
      expect(keysRefused({ collections: { users: name } })).toEqual(
        name === null ? [] : ['collections.users'],
      );
    },
  );

  it.each(['', '_id', 'a.b', '$set', 'nul\0', '__proto__', 7, {}])('refuses %j as a field', (name) => {
    expect(keysRefused({ users: { fields: { passwordHash: name } } })).toEqual(['users.fields.passwordHash']);
  });

  it('refuses one name for two fields, also if one is a default', () => {
    expect(keysRefused({ collections: { users: 'same', revocations: 'same' } })).toEqual([
      'collections.revocations',
    ]);
    expect(keysRefused({ collections: { users: 'throttle' } })).toEqual(['collections.throttle']);
    expect(keysRefused({ users: { fields: { passwordHash: 'email' } } })).toEqual([
      'users.fields.passwordHash',
    ]);
  });

  it('refuses unknown names, and names of fields together with a store of the host', () => {
    expect(keysRefused({ collections: { user: 'x' } })).toEqual(['collections.user']);
    expect(keysRefused({ users: { fields: { hash: 'x' } } })).toEqual(['users.fields.hash']);
    expect(keysRefused({ userStore: {}, users: {} })).toEqual(['users']);
  });

  it('refuses verifiers that cannot verify', () => {
    expect(keysRefused({ password: { verifiers: [{ matches: () => true }] } })).toEqual([
      'password.verifiers',
    ]);
    expect(keysRefused({ password: { verifiers: 'bcrypt' } })).toEqual(['password.verifiers']);
  });
});
