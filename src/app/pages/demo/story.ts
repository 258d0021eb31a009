import type { TimelineAnswer, TimelineEvent } from '../../demo/answers.js';

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

/** An answer is lost a moment before the event that tells of its refresh. */
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
  { kind, at, caller, generation, presentedGeneration }: TimelineEvent,
  current: number,
): Mark[] {
  const isThief = caller === 'thief';
  if (kind === 'replayed' || kind === 'recovered') {
    const leadsTo = generation ?? current;
    return [{ kind, at, generation: presentedGeneration ?? current, leadsTo, isThief }];
  }
  if (kind === 'reuse_detected')
    return [{ kind, at, generation: presentedGeneration ?? current, leadsTo: null, isThief }];
  if (kind === 'response_lost') return [{ kind, at, generation: current, leadsTo: null, isThief }];
  if (kind === 'stolen')
    return [{ kind, at, generation: generation ?? current, leadsTo: null, isThief: true }];
  return [];
}

/** The event in a sentence; null where it is none for people. */
export function sentence(event: TimelineEvent): string | null {
  const { kind, caller, generation = 0, presentedGeneration = 0, reason } = event;
  const who = caller === null ? 'The client' : capitalised(caller);
  const isThief = caller === 'thief';
  switch (kind) {
    case 'rotated':
      return `${who} refreshed: generation ${generation} replaced ${generation - 1}.`;
    case 'replayed':
      return isThief
        ? `The thief presented generation ${presentedGeneration} within its grace period, and got the current token, as a second tab would.`
        : `${who} presented generation ${presentedGeneration} again within its grace period, and got the current token: a race or a retry.`;
    case 'recovered':
      return `${who} presented generation ${presentedGeneration} after its grace period. Nobody had used generation ${generation}, so its answer was lost: it was given again.`;
    case 'restored':
      return `${who} knew more than the server: a restored backup.`;
    case 'fingerprint_mismatched':
      return 'A token of this session came from another browser than the one that logged in: reported.';
    case 'reuse_detected':
      return `${isThief ? 'The thief' : who} presented generation ${presentedGeneration} after its grace period, and its successor had been used: theft.`;
    case 'response_lost':
      return 'The server answered a refresh; the answer was lost on its way.';
    case 'stolen':
      return `A thief copied the refresh token of generation ${generation}.`;
    case 'revoked':
      return `The session is over: ${(reason ?? 'revoked').replaceAll('_', ' ')}.`;
    case 'logged_in':
    case 'confirmed':
    case 'logged_out':
      return null;
  }
}

/** All of the picture in words, for those who cannot see it. */
export function describe({ generations, marks, endedAt, wasTheft }: Story): string {
  const latest = generations.at(-1);
  if (!latest) return 'No refresh yet.';
  const count = (kind: Mark['kind'], one: string, many: string) => {
    const number = marks.filter((mark) => mark.kind === kind).length;
    return number === 0 ? [] : [`${number} ${number === 1 ? one : many}`];
  };
  const happened = [
    ...count('response_lost', 'lost answer', 'lost answers'),
    ...count('replayed', 'replay', 'replays'),
    ...count('recovered', 'recovery', 'recoveries'),
    ...count('reuse_detected', 'theft', 'thefts'),
  ].join(', ');
  const state =
    endedAt === null
      ? latest.confirmedAt === null
        ? 'current, not yet confirmed'
        : 'current and confirmed by its use'
      : `the last: the session was ended${wasTheft ? ' because of theft' : ''}`;
  return `Generation ${latest.number} is ${state}. ${happened === '' ? 'Nothing unusual.' : `So far: ${happened}.`} The list “What happened” tells each step.`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
