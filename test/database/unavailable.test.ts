import { describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { orUnavailable } from '../../src/database/unavailable.js';

const answerTo = (error: unknown) =>
  orUnavailable(async () => {
    throw error;
  }).catch((caught: unknown) => caught);
const server = (code: number, errorLabels: string[] = []) =>
  new MongoServerError({ message: 'a test', errmsg: 'a test', code, errorLabels });
const plain = (code: string) =>
  Object.assign(new Error('This socket has been ended by the other party'), { code });

describe(orUnavailable.name, () => {
  it.each([
    'EPIPE',
    'ECONNRESET',
    'ECONNREFUSED',
    'ECONNABORTED',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EAI_AGAIN',
    'ENOTFOUND',
    'EMFILE',
    'ERR_STREAM_DESTROYED',
    'ERR_SOCKET_CLOSED',
  ])('treats a plain Node error with code %s as an unreachable database', async (code) => {
    const cause = plain(code);
    expect(await answerTo(cause)).toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
      status: 503,
      retryAfter: 1,
      cause,
    });
    expect(await answerTo(new Error('a wrapper', { cause }))).toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
    });
  });

  it.each([24, 46, 50, 91, 112, 189, 365, 429, 462, 10107, 11600, 11601, 11602, 13435, 16500])(
    'treats server code %d as an error that can be retried',
    async (code) => expect(await answerTo(server(code))).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' }),
  );

  it.each(['RetryableWriteError', 'RetryableError', 'TransientTransactionError', 'SystemOverloadedError'])(
    'treats an unknown code with the label %s as an error that can be retried',
    async (label) =>
      expect(await answerTo(server(999_999, [label]))).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' }),
  );

  it('recognises a network error by its name', async () =>
    expect(await answerTo(new MongoNetworkError('a test'))).toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
    }));

  it.each([
    ['a refused sign-in', server(18)],
    ['a missing permission', server(13)],
    ['a duplicate key', server(11_000)],
    ['another label', server(1, ['NoWritesPerformed'])],
    ['a bug', new TypeError('undefined is not a function')],
    ['a code of another type', Object.assign(new Error('a test'), { code: 'ERR_INVALID_ARG_TYPE' })],
    ['something that is not an error', 'a text'],
  ])('passes on %s', async (_what, error) => expect(await answerTo(error)).toBe(error));
});
