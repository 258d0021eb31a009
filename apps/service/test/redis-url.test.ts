import { describe, expect, it } from '@jest/globals';
import { parseRedisUrl } from '../src/config/redis-url.js';

describe(parseRedisUrl, () => {
  it.each([
    ['redis://cache', { kind: 'server', hosts: [{ host: 'cache', port: 6379 }], isEncrypted: false }],
    [
      'rediss://:w%40rd@[::1]:6380/2',
      { kind: 'server', hosts: [{ host: '::1', port: 6380 }], password: 'w@rd' },
    ],
    [
      'redis+cluster://ada:a:b@n1:7000,n2',
      {
        kind: 'cluster',
        hosts: [
          { host: 'n1', port: 7000 },
          { host: 'n2', port: 6379 },
        ],
        username: 'ada',
        password: 'a:b',
      },
    ],
    [
      'rediss+sentinel://s1,s2:1/auth',
      {
        kind: 'sentinel',
        hosts: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 1 },
        ],
        primaryName: 'auth',
        isEncrypted: true,
      },
    ],
  ])('reads %s', (text, settings) => {
    expect(parseRedisUrl(text)).toMatchObject(settings);
  });

  it('leaves a single server’s URL to the client as it is', () => {
    const url = 'rediss://ada:word@cache.example.com:6380/2';
    expect(parseRedisUrl(url)).toMatchObject({ url });
  });

  it.each([
    '',
    'cache:6379',
    'http://cache',
    'redis://',
    'redis://a,b',
    'redis+cluster://',
    'redis+cluster://a,',
    'redis+cluster://a/2',
    'redis+cluster://a:port',
    'redis+sentinel://a,b',
    'redis+sentinel://a,b/',
    'redis+other://a',
  ])('refuses %j', (text) => {
    expect(parseRedisUrl(text)).toBeNull();
  });
});
