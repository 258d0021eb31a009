import { describe, expect, it } from '@jest/globals';
import { replay, replayMessages, type Share } from './support/golden-replay.js';

/**
 * How many steps of each file are answered or refused. A change to either changes these numbers: everything outside
 * the scope is refused, everything else is answered as by MongoDB.
 */
const SHARES: Record<string, Omit<Share, 'wrong'>> = {
  aggregate: { answered: 25, refused: 34, dependent: 0, environment: 0 },
  collections: { answered: 13, refused: 16, dependent: 4, environment: 0 },
  'count-distinct': { answered: 2, refused: 16, dependent: 0, environment: 0 },
  cursors: { answered: 27, refused: 1, dependent: 0, environment: 0 },
  delete: { answered: 9, refused: 4, dependent: 0, environment: 0 },
  'duplicate-key': { answered: 48, refused: 7, dependent: 6, environment: 0 },
  errors: { answered: 5, refused: 12, dependent: 0, environment: 0 },
  'find-match': { answered: 66, refused: 64, dependent: 0, environment: 0 },
  'find-sort-projection': { answered: 24, refused: 25, dependent: 0, environment: 0 },
  findAndModify: { answered: 36, refused: 11, dependent: 0, environment: 0 },
  hello: { answered: 8, refused: 14, dependent: 0, environment: 0 },
  indexes: { answered: 47, refused: 27, dependent: 5, environment: 0 },
  insert: { answered: 32, refused: 4, dependent: 0, environment: 0 },
  sessions: { answered: 11, refused: 25, dependent: 1, environment: 0 },
  ttl: { answered: 1, refused: 1, dependent: 0, environment: 0 },
  update: { answered: 115, refused: 47, dependent: 0, environment: 0 },
};

describe('recorded answers of MongoDB 4.4.6 and 5.0.7', () => {
  it.each(Object.entries(SHARES))(
    '%s: each step gets the recorded answer or a refusal',
    async (file, expected) => {
      const { share, wrong } = await replay(file);
      expect(wrong.join('\n')).toBe('');
      expect(share).toEqual({ ...expected, wrong: 0 });
    },
  );

  it('wire: each message gets the recorded answer or a refusal, or its connection closes', async () => {
    const { share, wrong } = await replayMessages();
    expect(wrong.join('\n')).toBe('');
    expect(share).toEqual({ answered: 26, refused: 4, dependent: 0, environment: 0, wrong: 0 });
  });
});
