import { describe as suite, expect, it } from '@jest/globals';
import { describe, sentence, tell } from '../pages/demo/story.js';
import type { TimelineAnswer, TimelineEvent } from '../src/demo/answers.js';

const BEGUN = 1_000_000;
type DrawnEvent = Pick<TimelineEvent, 'kind' | 'at'> & Partial<TimelineEvent>;

function timeline(events: readonly DrawnEvent[], generation: number | null): TimelineAnswer {
  const session =
    generation === null
      ? null
      : { id: 's', generation, createdAt: BEGUN, rotatedAt: BEGUN, isConfirmed: true, isBound: false };
  const numbered = events.map((event, index) => ({ id: index + 1, caller: 'tab A', ...event }));
  return { now: BEGUN + 60_000, gracePeriodMs: 10_000, session, stolenGeneration: null, events: numbered };
}

const rotated = (generation: number, at: number): DrawnEvent => ({ kind: 'rotated', generation, at });

suite(tell.name, () => {
  it('each generation ends where the next begins; the current one has no end', () => {
    const { generations, endedAt } = tell(
      timeline([rotated(1, BEGUN + 10), rotated(2, BEGUN + 20)], 2),
      BEGUN,
    );
    expect(generations.map(({ number, begins, ends }) => [number, begins, ends])).toEqual([
      [0, BEGUN, BEGUN + 10],
      [1, BEGUN + 10, BEGUN + 20],
      [2, BEGUN + 20, null],
    ]);
    expect(endedAt).toBeNull();
  });

  it('after a restart the server has no earlier events: the current generation is shown anyway', () => {
    expect(tell(timeline([], 7), BEGUN).generations).toMatchObject([{ number: 7, ends: null }]);
    const { generations } = tell(timeline([rotated(8, BEGUN + 5)], 8), BEGUN);
    expect(generations.map(({ number }) => number)).toEqual([8]);
  });

  it('a replay leads from the presented token to the current one; a lost answer marks the newest', () => {
    const events: DrawnEvent[] = [
      rotated(1, BEGUN + 10),
      { kind: 'response_lost', at: BEGUN + 9 },
      { kind: 'replayed', at: BEGUN + 500, generation: 1, presentedGeneration: 0, caller: 'thief' },
    ];
    expect(tell(timeline(events, 1), BEGUN).marks).toEqual([
      { kind: 'response_lost', at: BEGUN + 9, generation: 1, leadsTo: null, isThief: false },
      { kind: 'replayed', at: BEGUN + 500, generation: 0, leadsTo: 1, isThief: true },
    ]);
  });

  it('counts a lost answer once, whatever the browser sends again, and no replay of a thief as one of a client', () => {
    const replayed = { kind: 'replayed', at: BEGUN + 500, generation: 1, presentedGeneration: 0 } as const;
    const story = tell(
      timeline(
        [
          rotated(1, BEGUN + 10),
          { kind: 'response_lost', at: BEGUN + 9 },
          { kind: 'response_lost', at: BEGUN + 20, isRepeat: true },
          { ...replayed, caller: 'tab A' },
          { ...replayed, caller: 'thief' },
        ],
        1,
      ),
      BEGUN,
    );
    expect(story.marks.filter(({ kind }) => kind === 'response_lost')).toHaveLength(1);
    expect(describe(story)).toContain('So far: 1 lost answer, 1 replay, 1 replay by the thief.');
  });

  it('theft ends the session, and the words say so', () => {
    const events: DrawnEvent[] = [
      rotated(1, BEGUN + 10),
      { kind: 'confirmed', at: BEGUN + 20, generation: 1 },
      { kind: 'reuse_detected', at: BEGUN + 20_000, generation: 1, presentedGeneration: 0, caller: 'thief' },
      { kind: 'revoked', at: BEGUN + 20_001, reason: 'reuse_detected' },
    ];
    const story = tell(timeline(events, null), BEGUN);
    expect(story).toMatchObject({ endedAt: BEGUN + 20_001, wasTheft: true });
    expect(story.generations[1]?.confirmedAt).toBe(BEGUN + 20);
    expect(describe(story)).toBe(
      'Generation 1 is the last: the session was ended because of theft. So far: 1 theft. The list “What happened” has each step.',
    );
  });
});

suite(sentence.name, () => {
  it('says who did what to which generation', () => {
    const textOf = (event: DrawnEvent) => sentence({ id: 1, caller: 'tab B', ...event });
    expect(textOf(rotated(3, 0))).toBe('Tab B refreshed: generation 3 replaced 2.');
    expect(textOf({ kind: 'revoked', at: 0, reason: 'ended_by_user' })).toBe(
      'The session is over: ended by user.',
    );
    expect(textOf({ kind: 'confirmed', at: 0 })).toBeNull();
  });
});
