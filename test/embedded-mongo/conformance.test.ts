import { afterAll, describe, expect, test } from '@jest/globals';

import { type Replay, replay, replayMessages } from './support/golden-replay.js';

/** How many steps of each file must at least be answered as MongoDB does. These numbers may only rise. */
const ANSWERED_AT_LEAST: Record<string, number> = {
  aggregate: 35,
  collections: 16,
  'count-distinct': 18,
  cursors: 27,
  delete: 12,
  'duplicate-key': 57,
  errors: 10,
  'find-match': 89,
  'find-sort-projection': 36,
  findAndModify: 47,
  hello: 13,
  indexes: 64,
  insert: 34,
  sessions: 12,
  ttl: 2,
  update: 159,
};

describe('recorded answers of MongoDB 4.4.6 and 5.0.7', () => {
  const shares: Record<string, Replay['share']> = {};

  test.each(Object.keys(ANSWERED_AT_LEAST))('%s: each step is answered alike or refused', async (file) => {
    const { share, wrong } = await replay(file);
    shares[file] = share;
    // What follows from a refusal proves nothing either way, and must not grow into an excuse.
    expect(share.dependent).toBeLessThanOrEqual(4);
    expect(wrong.join('\n')).toBe('');
    expect(share.answered).toBeGreaterThanOrEqual(ANSWERED_AT_LEAST[file]!);
  });

  test('wire: each message is answered alike, refused, or its connection closed', async () => {
    const { share, wrong } = await replayMessages();
    shares.wire = share;
    expect(wrong.join('\n')).toBe('');
    expect(share.answered).toBeGreaterThanOrEqual(27);
  });

  afterAll(() => console.table(shares));
});
