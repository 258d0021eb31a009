import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { checkOptions } from '../../src/index.js';

const secret = () => randomBytes(32).toString('base64url');
const keys = { access: [secret()], refresh: [secret()] };
const problemsOf = (introspectionClients: unknown) =>
  checkOptions({
    issuer: 'https://api.example.com',
    keys,
    introspectionClients: introspectionClients as never,
  });

describe('introspectionClients', () => {
  it('accepts clients with secrets of 32 characters', () => {
    expect(
      problemsOf([
        { id: 'a', secret: secret() },
        { id: 'b', secret: 'q8Zr-4kT2mXw9pLc7vBn5sHd3gFj1aYw' },
      ]),
    ).toEqual([]);
    expect(problemsOf([])).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['no list', {}, /give a list/],
    ['an invalid entry', [null], /give an id/],
    ['no id', [{ secret: secret() }], /give an id/],
    ['an id with a colon', [{ id: 'a:b', secret: secret() }], /without a colon/],
    ['an id with a space', [{ id: 'a b', secret: secret() }], /visible ASCII/],
    ['no secret', [{ id: 'a' }], /at least 32/],
    ['a short secret', [{ id: 'a', secret: 'q8Zr-4kT2mXw9pLc' }], /at least 32/],
    ['a placeholder', [{ id: 'a', secret: 'change-me-this-is-a-very-long-secret' }], /at least 32/],
    ['one letter', [{ id: 'a', secret: 'a'.repeat(40) }], /at least 32/],
    ['a secret with a line break', [{ id: 'a', secret: `${secret()}\n` }], /at least 32/],
    ['its id as secret', [{ id: keys.access[0], secret: keys.access[0] }], /at least 32/],
    [
      'a duplicate id',
      [
        { id: 'a', secret: secret() },
        { id: 'a', secret: secret() },
      ],
      /two clients/,
    ],
  ])('refuses %s, and shows no part of it', (_, clients, fix) => {
    const problems = problemsOf(clients);
    expect(problems).toEqual([
      {
        key: expect.stringMatching(/^introspectionClients/),
        value: expect.any(String),
        fix: expect.stringMatching(fix),
      },
    ]);
    expect(problems[0]?.value).toMatch(/^\((?:secret|object)\)$/);
  });
});
