import { describe, expect, it } from '@jest/globals';
import { CoreStage } from '../support/proof/core-stage.js';
import {
  COPIES,
  type CopyKind,
  rob,
  type Robbery,
  type ThiefKind,
  THIEVES,
} from '../support/proof/thieves.js';

const ELSEWHERE = '203.0.113.66';
const OPTIONS = { refreshToken: { allowRelay: true } };

const networks = [
  ['the same network', {}],
  ['another network', { ip: ELSEWHERE }],
] as const;
const all = THIEVES.flatMap((thief) =>
  COPIES.flatMap((copy) => networks.map(([name, network]) => [thief, copy, name, network] as const)),
);

async function robbed(robbery: Robbery) {
  const stage = new CoreStage(OPTIONS);
  const report = await rob(stage, robbery);
  const suspicions = stage.world.events
    .filter(({ name }) => name === 'activity.suspected')
    .map(({ payload }) => (payload as { rule: string }).rule);
  return { ...report, suspicions };
}

describe('a thief who adapts, against a client that sends attempts', () => {
  it.each(all)('%s, %s, %s', async (thief, copy, _name, network) => {
    const report = await robbed({ thief, copy, hasAttempts: true, ...network });
    const isAtRest = copy !== 'attempt outstanding';
    // (a), (b), (c), (d) of invariant 4
    expect(report.shared).toBeLessThanOrEqual(isAtRest ? 0 : 1);
    if (isAtRest) expect(report.callsAfterOwner).toBe(0);
    expect(report.runs).toBeLessThanOrEqual(isAtRest ? 1 : 2);
    if (isAtRest) expect(report.servedAfterUse).toBe(0);
  });

  const shutOut: [ThiefKind, CopyKind][] = [
    ['one behind', 'token only'],
    ['one behind', 'full copy'],
    ['one behind, tries again', 'token only'],
    ['one behind, tries again', 'full copy'],
  ];
  it.each(shutOut)('%s, %s: is never served, and is reported if in another network', async (thief, copy) => {
    const report = await robbed({ thief, copy, hasAttempts: true, ip: ELSEWHERE });
    expect(report).toMatchObject({ served: 0, calls: 0 });
    expect(report.suspicions[0]).toBe('contested_token');
  });

  it('one behind, tries again: the first retry ends the session', async () => {
    const report = await robbed({ thief: 'one behind, tries again', copy: 'full copy', hasAttempts: true });
    expect(report).toMatchObject({ generationsToEnd: 1 });
  });

  it('hit and run: the session ends when the owner comes', async () => {
    const report = await robbed({ thief: 'hit and run', copy: 'token only', hasAttempts: true });
    expect(report).toMatchObject({ generationsToEnd: 1, calls: 1, callsAfterOwner: 0 });
  });
});

describe('a thief who adapts, against a client that sends none', () => {
  const theft = { copy: 'token only', hasAttempts: false } as const;

  it('one behind, from another network: reported at the third generation', async () => {
    const behind = { ...theft, thief: 'one behind', ip: ELSEWHERE } as const;
    expect(await robbed({ ...behind, rounds: 2 })).toMatchObject({ served: 2, suspicions: [] });
    const reported = { served: 3, suspicions: ['one_token_two_networks'], generationsToEnd: null };
    expect(await robbed({ ...behind, rounds: 3 })).toMatchObject(reported);
  });

  it.each(['one behind', 'one ahead, within the grace'] as const)(
    '%s, in the same network: a known limit, nobody notices',
    async (thief) => {
      const report = await robbed({ ...theft, thief });
      expect(report).toMatchObject({ generationsToEnd: null, served: 8, suspicions: [] });
    },
  );

  it.each(['one ahead', 'sniper', 'hit and run'] as const)(
    '%s: no token they got is accepted after the owner has come',
    async (thief) => {
      const report = await robbed({ ...theft, thief });
      expect(report.served).toBeGreaterThan(0);
      expect(report).toMatchObject({ shared: 0, callsAfterOwner: 0, runs: 1 });
    },
  );
});
