import type { TimelineAnswer, TimelineEvent } from '../../src/demo/answers.js';

/** One refresh token of the session, from its making to its replacement. */
export interface Generation {
  readonly number: number;
  readonly begins: number;
  /** Null: it is the current one. */
  ends: number | null;
  confirmedAt: number | null;
  /** Who refreshed. */
  readonly caller: string | null;
}

export interface Mark {
  readonly kind: 'replayed' | 'recovered' | 'reuse_detected' | 'response_lost' | 'stolen';
  readonly at: number;
  /** Generation of the token that was presented, lost or stolen. */
  readonly generation: number;
  /** Where it led. */
  readonly leadsTo: number | null;
  readonly isThief: boolean;
}

export interface Story {
  readonly generations: readonly Generation[];
  readonly marks: readonly Mark[];
  readonly endedAt: number | null;
  readonly wasTheft: boolean;
  readonly gracePeriodMs: number;
}

/** An answer is lost a moment before the event of its refresh. */
const TOGETHER_MS = 100;

/** What the picture draws. @param begunAt when the session began; known while it lives */
export function tell({ events, session, gracePeriodMs }: TimelineAnswer, begunAt: number): Story {
  const generations: Generation[] = [];
  const at = (number: number) => generations.find((generation) => generation.number === number);
  const begin = (number: number, begins: number, caller: string | null) => {
    const before = at(number - 1);
    if (before) before.ends ??= begins;
    generations.push({ number, begins, ends: null, confirmedAt: null, caller });
  };
  const rotations = events.filter((event) => event.kind === 'rotated');
  if (rotations[0]?.generation === 1 || session?.generation === 0) begin(0, begunAt, null);
  for (const { generation = 0, at: time, caller } of rotations) begin(generation, time, caller);
  // The server restarted since, and has forgotten what was before.
  if (session && !at(session.generation)) begin(session.generation, session.rotatedAt, null);
  for (const { kind, generation, at: time } of events) {
    const confirmed = kind === 'confirmed' && at(generation ?? -1);
    if (confirmed) confirmed.confirmedAt = time;
  }
  const current = (time: number) =>
    generations.findLast(({ begins }) => begins <= time + TOGETHER_MS)?.number ?? 0;
  return {
    generations,
    marks: events.flatMap((event) => markOf(event, current(event.at))),
    endedAt: events.find(({ kind }) => kind === 'revoked')?.at ?? null,
    wasTheft: events.some(({ kind }) => kind === 'reuse_detected'),
    gracePeriodMs,
  };
}

function markOf(
  { kind, at, caller, generation, presentedGeneration, isRepeat }: TimelineEvent,
  current: number,
): Mark[] {
  const isThief = caller === 'thief';
  if (kind === 'replayed' || kind === 'recovered') {
    const leadsTo = generation ?? current;
    return [{ kind, at, generation: presentedGeneration ?? current, leadsTo, isThief }];
  }
  if (kind === 'reuse_detected')
    return [{ kind, at, generation: presentedGeneration ?? current, leadsTo: null, isThief }];
  if (kind === 'response_lost')
    return isRepeat ? [] : [{ kind, at, generation: current, leadsTo: null, isThief }];
  if (kind === 'stolen')
    return [{ kind, at, generation: generation ?? current, leadsTo: null, isThief: true }];
  return [];
}

/** What a sentence needs of an event. */
interface Facts {
  readonly who: string;
  readonly isThief: boolean;
  readonly generation: number;
  readonly presentedGeneration: number;
  readonly reason: string;
  readonly isRepeat: boolean;
}

/** Null: the event is not shown to people. */
const SENTENCES: Readonly<Record<TimelineEvent['kind'], ((event: Facts) => string) | null>> = {
  logged_in: null,
  rotated: ({ who, generation }) => `${who} refreshed: generation ${generation} replaced ${generation - 1}.`,
  confirmed: null,
  replayed: ({ who, isThief, presentedGeneration }) =>
    isThief
      ? `The thief presented generation ${presentedGeneration} within its grace period, and got the current token, as a second tab would.`
      : `${who} presented generation ${presentedGeneration} again, and got the current token: a race or a retry.`,
  recovered: ({ who, generation, presentedGeneration }) =>
    `${who} presented generation ${presentedGeneration} after its grace period. Nobody had used generation ${generation}, so its answer was lost: it was given again.`,
  contested: ({ who, isThief, presentedGeneration }) =>
    `${isThief ? 'The thief' : who} presented generation ${presentedGeneration} within its grace period, without the attempt that replaced it: refused, and nothing else happened.`,
  proof_failed: ({ who, isThief }) =>
    isThief
      ? 'The thief presented the copy without the key that the session belongs to: refused, and nothing else happened.'
      : `${who} came without the key of the session: refused.`,
  restored: ({ who }) => `${who} knew more than the server: a restored backup.`,
  fingerprint_mismatched: () =>
    'A token of this session came from another browser than the one that signed in: reported.',
  reuse_detected: ({ who, isThief, presentedGeneration }) =>
    `${isThief ? 'The thief' : who} presented generation ${presentedGeneration} after its grace period, and its successor had been used: theft.`,
  response_lost: ({ isRepeat }) =>
    isRepeat
      ? 'The browser sent that refresh again by itself; the answer was lost again.'
      : 'The server answered a refresh; the answer was lost on its way.',
  stolen: ({ generation }) => `A thief copied the refresh token of generation ${generation}.`,
  revoked: ({ reason }) => `The session is over: ${reason.replaceAll('_', ' ')}.`,
  logged_out: null,
};

/** The event in a sentence; null if it is not shown to people. */
export function sentence(event: TimelineEvent): string | null {
  const {
    kind,
    caller,
    generation = 0,
    presentedGeneration = 0,
    reason = 'revoked',
    isRepeat = false,
  } = event;
  const who = caller === null ? 'The client' : capitalised(caller);
  const isThief = caller === 'thief';
  return SENTENCES[kind]?.({ who, isThief, generation, presentedGeneration, reason, isRepeat }) ?? null;
}

/** All of the picture in words, for those who cannot see it. */
export function describe({ generations, marks, endedAt, wasTheft }: Story): string {
  const latest = generations.at(-1);
  if (!latest) return 'No refresh yet.';
  const count = (kind: Mark['kind'], one: string, many: string, isThief: boolean | null = null) => {
    const number = marks.filter(
      (mark) => mark.kind === kind && (isThief === null || mark.isThief === isThief),
    ).length;
    return number === 0 ? [] : [`${number} ${number === 1 ? one : many}`];
  };
  const happened = [
    ...count('response_lost', 'lost answer', 'lost answers'),
    ...count('replayed', 'replay', 'replays', false),
    ...count('recovered', 'recovery', 'recoveries', false),
    ...count('replayed', 'replay by the thief', 'replays by the thief', true),
    ...count('recovered', 'recovery by the thief', 'recoveries by the thief', true),
    ...count('reuse_detected', 'theft', 'thefts'),
  ].join(', ');
  const current =
    latest.confirmedAt === null ? 'current, not yet confirmed' : 'current and confirmed by its use';
  const over = `the last: the session was ended${wasTheft ? ' because of theft' : ''}`;
  const state = endedAt === null ? current : over;
  return `Generation ${latest.number} is ${state}. ${happened === '' ? 'Nothing unusual.' : `So far: ${happened}.`} The list “What happened” has each step.`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
