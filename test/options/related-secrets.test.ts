import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createRingKey } from '../../src/options/keys/key-spec.js';
import { areRelated } from '../../src/options/keys/related-secrets.js';
import { checkOptions } from '../../src/options/resolve-options.js';

const newSecret = () => randomBytes(36).toString('base64url');
const related = (one: string, other: string) => areRelated(createRingKey(one), createRingKey(other));

describe(areRelated.name, () => {
  const secret = newSecret();

  it.each([
    ['something is added', secret, `${secret}-refresh`],
    ['something is cut off', secret, secret.slice(4)],
    ['both have different endings', `${secret}-access`, `${secret}-refresh`],
    [
      'both contain a common part',
      `access-${secret.slice(0, 20)}${newSecret()}`,
      `${newSecret()}${secret.slice(0, 20)}`,
    ],
  ])('recognises related secrets when %s', (_where, one, other) => expect(related(one, other)).toBe(true));

  it('finds no relation between random secrets', () => {
    for (let run = 0; run < 500; run += 1) expect(related(newSecret(), newSecret())).toBe(false);
  });
});

describe('an access and a refresh key that are related', () => {
  const { NODE_ENV } = process.env;
  afterEach(() => void (process.env['NODE_ENV'] = NODE_ENV));
  const secret = newSecret();
  const options = {
    issuer: 'https://api.example.com',
    keys: { access: [`${secret}-access`], refresh: [newSecret(), `${secret}-refresh`] },
  };

  it('are refused at boot in production, with one sentence that does not show the secret', () => {
    process.env['NODE_ENV'] = 'production';
    const problems = checkOptions(options);
    expect(problems).toEqual([
      {
        key: 'keys.refresh[1]',
        value: '(secret)',
        fix: expect.stringMatching(/long part in common with an access key/),
      },
    ]);
  });

  it('are accepted in development, where the doctor warns', () => expect(checkOptions(options)).toEqual([]));
});
