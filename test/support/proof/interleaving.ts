import fc from 'fast-check';

/** What happens to one request. A process that `died` did so after this many commands to the store. */
export type Fate =
  | { readonly kind: 'answered' }
  | { readonly kind: 'request lost' }
  | { readonly kind: 'answer lost' }
  | { readonly kind: 'answer torn' }
  | { readonly kind: 'died'; readonly after: number };

/** One request: the delays until the server sees it and until its answer arrives, in quarters of the grace period. */
export interface Sending {
  readonly fate: Fate;
  readonly request: number;
  readonly answer: number;
  /** The index of the instance. */
  readonly door: number;
}

/** What a thief sends with the token: nothing, attempts of their own, or those that follow from the copied record. */
export type ThiefAttempts = 'none' | 'own' | 'copied';

export type Step =
  | { readonly kind: 'refresh'; readonly sending: Sending }
  /** Tabs, retries or a rendering server: one token, several requests at once, answers in any order. */
  | { readonly kind: 'burst'; readonly sendings: readonly Sending[] }
  /** A page load is on its way while other tabs rotate. */
  | { readonly kind: 'overtaken'; readonly rotations: number; readonly sending: Sending }
  /** A tab without a lock: its answer is kept back until `arrives`. */
  | { readonly kind: 'held'; readonly sending: Sending }
  | { readonly kind: 'arrives' }
  | { readonly kind: 'use' }
  /** Uses an access token from an earlier answer. */
  | { readonly kind: 'use-old' }
  | { readonly kind: 'pause'; readonly graces: number }
  | { readonly kind: 'night'; readonly hours: number }
  /** The clock that all processes share is anchored anew, slightly earlier or later. */
  | { readonly kind: 'anchor'; readonly share: number }
  | { readonly kind: 'logout' }
  /** The stored token falls back by two generations, as after a crash; the record of attempts does not. */
  | { readonly kind: 'restore' }
  | { readonly kind: 'steal'; readonly thief: number; readonly attempts: ThiefAttempts }
  | {
      readonly kind: 'thief';
      readonly thief: number;
      readonly uses: boolean;
      readonly isDisguised: boolean;
      readonly sending: Sending;
    };

export interface Interleaving {
  readonly steps: readonly Step[];
  readonly isCookie: boolean;
  /** Whether the client sends attempts. */
  readonly hasAttempts: boolean;
  /** Whether the thief comes back first at the end. */
  readonly isThiefFirst: boolean;
}

const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'answered' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'answer lost' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'request lost' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'answer torn' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('died' as const), after: fc.nat({ max: 3 }) }) },
);
const sending = fc.record({ fate, request: share, answer: share, door: fc.nat({ max: 3 }) });
const thief = fc.nat({ max: 1 });

const honest = {
  refresh: fc.record({ kind: fc.constant('refresh' as const), sending }),
  burst: fc.record({
    kind: fc.constant('burst' as const),
    sendings: fc.array(sending, { minLength: 2, maxLength: 5 }),
  }),
  overtaken: fc.record({
    kind: fc.constant('overtaken' as const),
    rotations: fc.integer({ min: 1, max: 4 }),
    sending,
  }),
  use: fc.record({ kind: fc.constantFrom('use' as const, 'use-old' as const) }),
  pause: fc.record({
    kind: fc.constant('pause' as const),
    graces: fc.integer({ min: 1, max: 18 }).map((tenths) => tenths / 10),
  }),
  night: fc.record({ kind: fc.constant('night' as const), hours: fc.integer({ min: 1, max: 20 }) }),
  anchor: fc.record({ kind: fc.constant('anchor' as const), share }),
};

const others = {
  held: fc.record({ kind: fc.constant('held' as const), sending }),
  plain: fc.record({
    kind: fc.constantFrom('arrives' as const, 'arrives' as const, 'restore' as const, 'logout' as const),
  }),
  steal: fc.record({
    kind: fc.constant('steal' as const),
    thief,
    attempts: fc.constantFrom<ThiefAttempts[]>('none', 'own', 'copied'),
  }),
  thief: fc.record({
    kind: fc.constant('thief' as const),
    thief,
    uses: fc.boolean(),
    isDisguised: fc.boolean(),
    sending,
  }),
};

const ofClient = fc.oneof(
  { weight: 6, arbitrary: honest.refresh },
  { weight: 1, arbitrary: honest.burst },
  { weight: 1, arbitrary: honest.overtaken },
  { weight: 3, arbitrary: honest.use },
  { weight: 3, arbitrary: honest.pause },
  { weight: 1, arbitrary: honest.night },
  { weight: 1, arbitrary: honest.anchor },
);
const ofAnybody = fc.oneof(
  { weight: 8, arbitrary: ofClient },
  { weight: 2, arbitrary: others.steal },
  { weight: 3, arbitrary: others.thief },
  { weight: 1, arbitrary: fc.oneof(others.held, others.plain) },
);

/** Half of them have no thief and no broken precondition, so that enough of them test invariant 2. */
export function interleaving(length: { minLength: number; maxLength: number }): fc.Arbitrary<Interleaving> {
  const of = (step: fc.Arbitrary<Step>) =>
    fc.record({
      steps: fc.array(step, { ...length, size: 'max' }),
      isCookie: fc.boolean(),
      hasAttempts: fc.oneof({ weight: 2, arbitrary: fc.constant(true) }, fc.constant(false)),
      isThiefFirst: fc.boolean(),
    });
  return fc.oneof(of(ofClient), of(ofAnybody));
}
