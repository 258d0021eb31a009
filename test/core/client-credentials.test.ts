import { describe, expect, it } from '@jest/globals';
import { isKnownClient, presentedClient, secretHash } from '../../src/core/client-credentials.js';
import { parseForm } from '../../src/core/form.js';

const basic = (pair: string, scheme = 'Basic ') => `${scheme}${Buffer.from(pair).toString('base64')}`;
const present = (authorization: string | null, form = '') =>
  presentedClient(authorization, parseForm(form) ?? new Map());
const GATEWAY = { outcome: 'presented', client: { id: 'gateway', secret: 's3cret' } };

describe(presentedClient.name, () => {
  it.each<[string, string | null, string]>([
    ['HTTP Basic', basic('gateway:s3cret'), ''],
    ['HTTP Basic in small letters, after two spaces', basic('gateway:s3cret', 'basic  '), ''],
    ['HTTP Basic, the same id in the form', basic('gateway:s3cret'), 'client_id=gateway&token=t'],
    ['the form', null, 'client_id=gateway&client_secret=s3cret&token=t'],
  ])('recognises a client by %s', (_by, authorization, form) => {
    expect(present(authorization, form)).toEqual(GATEWAY);
  });

  it('decodes id and secret separately: they may contain a colon, a percent sign or a space', () => {
    expect(present(basic('a%3Ab+c:d%25%3A:e+f'))).toEqual({
      outcome: 'presented',
      client: { id: 'a:b c', secret: 'd%::e f' },
    });
    expect(present(basic('a:'))).toEqual({ outcome: 'presented', client: { id: 'a', secret: '' } });
  });

  it.each<[string, string | null, string]>([
    ['nothing', null, ''],
    ['an id in the form without a secret', null, 'client_id=gateway'],
    ['a secret in the form without an id', null, 'client_secret=s3cret'],
    ['another scheme', basic('gateway:s3cret', 'Bearer '), ''],
    ['a scheme whose name only ends in Basic', basic('gateway:s3cret', 'xBasic '), ''],
    ['more than one word', `${basic('gateway:s3cret')} x`, ''],
    ['no colon', basic('gateway'), ''],
    ['no id', basic(':s3cret'), ''],
    ['an id that cannot be decoded', basic('%:s3cret'), ''],
    ['a secret that cannot be decoded', basic('gateway:%'), ''],
    ['a header longer than any client sends', basic(`gateway:${'s'.repeat(3200)}`), ''],
  ])('recognises no client by %s', (_by, authorization, form) => {
    expect(present(authorization, form)).toEqual({ outcome: 'none' });
  });

  it('reads a header of the maximum length', () => {
    const secret = 's'.repeat(3058);
    const header = basic(`gateway:${secret}`, 'Basic   ');
    expect(header).toHaveLength(4096);
    expect(present(header)).toEqual({ outcome: 'presented', client: { id: 'gateway', secret } });
  });

  it.each([
    ['a secret in both places', basic('gateway:s3cret'), 'client_secret=s3cret'],
    ['a secret together with another scheme', basic('gateway:s3cret', 'Bearer '), 'client_secret=s3cret'],
    ['two ids', basic('gateway:s3cret'), 'client_id=other'],
  ])('refuses %s as ambiguous (RFC 6749 §2.3)', (_what, authorization, form) => {
    expect(present(authorization, form)).toEqual({ outcome: 'ambiguous' });
  });
});

describe(isKnownClient.name, () => {
  const secrets = new Map([['gateway', secretHash('s3cret')]]);

  it('recognises a client only by its own secret', () => {
    expect(isKnownClient({ id: 'gateway', secret: 's3cret' }, secrets)).toBe(true);
    expect(isKnownClient({ id: 'gateway', secret: 'other' }, secrets)).toBe(false);
    expect(isKnownClient({ id: 'unknown', secret: 's3cret' }, secrets)).toBe(false);
  });
});
