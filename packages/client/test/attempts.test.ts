import 'fake-indexeddb/auto';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenAnswer } from '../src/answers.js';
import { createAttempts } from '../src/attempts.js';
import { indexedRecords, type Records } from '../src/records.js';
import { type AuthServer, gate, refusal } from './support/auth-server.js';
import { GRACE, statusOf, type Tab, until } from './support/browser.js';
import { FRESH_MS, stage } from './support/stage.js';

const on = stage();
const openRecords = (name: string): Records => indexedRecords(indexedDB, name);
const sent = (server: AuthServer) => server.to('/auth/refresh').map(({ body }) => JSON.parse(body));
const another = async (tab: Tab) => {
  tab.host.sleep(FRESH_MS);
  return tab.auth.getAccessToken({ refused: (await tab.auth.getAccessToken()) ?? '' });
};

afterEach(async () => {
  for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name ?? '');
});

describe('the attempts of refreshes', () => {
  const tab = (page: object = {}) => {
    on.browser.records = openRecords;
    return on.browser.tab({}, page);
  };
  const signedIn = () => {
    on.browser.records = openRecords;
    return on.signedIn();
  };

  it('are 16 bytes, new for each refresh, and sent with the previous one', async () => {
    const first = await signedIn();
    await another(first);
    await another(first);
    const [one, two] = sent(on.server);
    expect(one).toEqual({ attempt: expect.stringMatching(/^[\w-]{21}[AQgw]$/) });
    expect(two).toEqual({ attempt: expect.stringMatching(/^[\w-]{21}[AQgw]$/), previous: one.attempt });
    expect(two.attempt).not.toBe(one.attempt);
  });

  it('stay the same until an answer has come, also on the next page', async () => {
    const first = await signedIn();
    const lost = { isLost: true };
    on.server.disturb('/auth/refresh', lost, lost, lost);
    const failed = another(first).catch((error: unknown) => error);
    await first.host.passTimer(375);
    await first.host.passTimer(750);
    expect(await failed).toMatchObject({ code: 'NETWORK_ERROR' });
    await tab().auth.restore();
    const [one, ...others] = sent(on.server);
    expect(others).toEqual([one, one, one]);
  });

  it('are shared by tabs without locks that refresh simultaneously', async () => {
    await signedIn();
    const tabs = [1, 2].map(() => tab({ locks: undefined, openChannel: () => undefined }));
    const { opened, open } = gate();
    const held = { after: opened };
    on.server.disturb('/auth/refresh', held, held);
    const restored = Promise.all(tabs.map(({ auth }) => auth.restore()));
    await until(() => on.server.count('/auth/refresh') === 2);
    open();
    await restored;
    const [one, two] = sent(on.server);
    expect(two).toEqual(one);
    expect(tabs.map(statusOf)).toEqual(['signed-in', 'signed-in']);
  });

  it('that were answered long ago are followed by a new one, which names them', async () => {
    const first = await signedIn();
    on.server.answer('/auth/refresh', refusal(409, 'REFRESH_SUPERSEDED'));
    const asked = another(first);
    await first.host.passTimer(375);
    expect(await asked).toMatch(/^at/);
    const [one, two] = sent(on.server);
    expect(two).toEqual({ attempt: expect.not.stringMatching(one.attempt), previous: one.attempt });
    expect(first.signedOut).toEqual([]);
  });

  it('that are contested are retried, and sign nobody out', async () => {
    const first = await signedIn();
    on.server.answer('/auth/refresh', refusal(409, 'REFRESH_CONTESTED'));
    const asked = another(first);
    await first.host.passTimer(375);
    expect(await asked).toMatch(/^at/);
    const [one, two] = sent(on.server);
    expect(two).toEqual(one);
  });

  it('of a session are forgotten by the next login', async () => {
    const first = await signedIn();
    await another(first);
    await first.auth.login(GRACE);
    await another(first);
    expect(Object.keys(sent(on.server)[1])).toEqual(['attempt']);
  });
});

describe('the record of attempts', () => {
  it('keeps the newest generation, also when an older answer arrives later', async () => {
    const attempts = createAttempts(openRecords('x'), false, Math.random);
    const answer = (generation: number) => ({ session: { id: 's1', generation } }) as TokenAnswer;
    const { attempt: first } = await attempts.begin();
    await attempts.settle(answer(6), first);
    const { attempt: second } = await attempts.begin();
    expect(await attempts.settle(answer(5), 'late')).toMatchObject({ attempt: second, previous: first });
    expect(await attempts.settle(answer(7), second)).toMatchObject({ attempt: undefined, previous: second });
  });

  it('is in memory if the storage throws or hangs', async () => {
    for (const update of [() => Promise.reject(new Error('forbidden')), () => new Promise<never>(() => {})]) {
      on.browser.records = () => ({ update });
      const first = on.browser.tab();
      const login = first.auth.login(GRACE);
      if (update.toString().includes('{}')) await first.host.passTimer(3000);
      await login;
      await another(first);
      await another(first);
    }
    const [one, two, , four] = sent(on.server);
    expect([two.previous, four.previous]).toEqual([one.attempt, expect.any(String)]);
  });
});
