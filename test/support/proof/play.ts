import { randomBytes } from 'node:crypto';
import { AttemptRecord } from '../rotation-model/attempt-record.js';
import type { Fate, Interleaving, Sending, Step, ThiefAttempts } from './interleaving.js';
import type { Tally } from './tally.js';
import { type Exchange, type Terms, type Token, Witness } from './witness.js';

/** How a token is presented. */
export interface Approach {
  readonly attempt?: string | null;
  readonly previous?: string | null;
  readonly relay?: boolean;
  /** From another browser. */
  readonly isDisguised?: boolean;
  /** From this address, if the stage has more than one. */
  readonly ip?: string;
}

/** Where a story is played: the pure core in simulated time, or processes in real time. */
export interface Stage<T extends Token> {
  readonly terms: Terms;
  login(isCookie: boolean): Promise<T>;
  now(): number;
  pause(ms: number): Promise<void>;
  night(hours: number): Promise<void>;
  anchor(share: number): void;
  /** Sends all at once; returns the exchanges in the order in which the answers arrive. */
  present(token: T, sendings: readonly Sending[], approach?: Approach): Promise<Exchange<T>[]>;
  /** `isRecorded`: the receipt of the current generation is recorded. */
  use(token: T): Promise<{ isAccepted: boolean; isRecorded: boolean }>;
  /** Returns whether the answer said that the session has ended. */
  logout(token: T): Promise<boolean>;
  /** Checks the stored session against invariant 8, and the end of access tokens against invariant 7. */
  inspect(witness: Witness<T>, tokens: readonly T[]): Promise<void>;
}

const ATTEMPT_BYTES = 16;
const ANSWERED: Fate = { kind: 'answered' };
export const AT_ONCE: Sending = { fate: ANSWERED, request: 0, answer: 0, door: 0 };
const CLIENT = { name: 'the client', isThief: false };
/** Certainly past a grace period. */
const LATER = 1.4;

export const newRecord = (): AttemptRecord =>
  new AttemptRecord(() => randomBytes(ATTEMPT_BYTES).toString('base64url'));

/** Plays one interleaving to its end; returns the witness. */
export async function play<T extends Token>(
  stage: Stage<T>,
  { steps, isCookie, hasAttempts, isThiefFirst }: Interleaving,
  tally: Tally,
): Promise<Witness<T>> {
  const login = await stage.login(isCookie);
  const cast = new Cast(stage, login, hasAttempts, tally);
  for (const step of steps) {
    await cast.act(step);
    if (cast.witness.failures.length > 0) break;
  }
  if (cast.witness.failures.length === 0) await cast.comeBack(isThiefFirst);
  await stage.inspect(cast.witness, cast.everyToken);
  tally.stories += 1;
  if (hasAttempts) tally.withAttempts += 1;
  if (cast.witness.isInsideInvariant2) tally.insideInvariant2 += 1;
  cast.witness.countThief();
  return cast.witness;
}

interface Loot<T> {
  token: T;
  /** The attempts that the thief sends; `null` for none. */
  readonly record: AttemptRecord | null;
}

interface Held<T extends Token> {
  readonly presented: T;
  readonly attempt: string | null;
  readonly exchange: Exchange<T>;
}

/** One browser, whose tabs share a jar and a record of attempts, and thieves. */
class Cast<T extends Token> {
  readonly witness: Witness<T>;
  readonly everyToken: T[];
  private jar: T;
  private readonly received: T[];
  /** `null` if the client sends no attempts. */
  private readonly record: AttemptRecord | null;
  private readonly loot: (Loot<T> | undefined)[] = [];
  private held: Held<T> | null = null;

  constructor(
    private readonly stage: Stage<T>,
    login: T,
    hasAttempts: boolean,
    tally: Tally,
  ) {
    this.jar = login;
    this.received = [login];
    this.everyToken = [login];
    this.record = hasAttempts ? newRecord() : null;
    this.witness = new Witness(stage.terms, tally, login, stage.now(), hasAttempts);
  }

  async act(step: Step): Promise<void> {
    const { stage } = this;
    const { graceMs } = stage.terms;
    switch (step.kind) {
      case 'refresh':
        return this.refresh([step.sending]);
      case 'burst':
        return this.refresh(step.sendings);
      case 'overtaken':
        return this.overtake(step.rotations, step.sending);
      case 'held':
        return this.hold(step.sending);
      case 'arrives':
        return this.arrive();
      case 'use':
        return this.use(this.jar, CLIENT);
      case 'use-old':
        return this.use(this.received.at(-2) ?? this.jar, CLIENT);
      case 'pause':
        return stage.pause(step.graces * graceMs);
      case 'night':
        return stage.night(step.hours);
      case 'anchor':
        return stage.anchor(step.share);
      case 'logout':
        return this.witness.left(stage.now(), await stage.logout(this.jar));
      case 'restore':
        return this.restore();
      case 'steal':
        return this.steal(step.thief, step.attempts);
      case 'thief':
        return this.robbery(step.thief, step.sending, step.uses, step.isDisguised);
    }
  }

  /** At the end everybody comes back, each after a grace period, so that every detectable theft is detected. */
  async comeBack(isThiefFirst: boolean): Promise<void> {
    const thieves = async () => {
      for (const index of this.loot.keys()) await this.robbery(index, AT_ONCE, true, false);
    };
    const client = async () => {
      await this.refresh([AT_ONCE]);
      await this.use(this.jar, CLIENT);
    };
    for (let round = 0; round < 2; round += 1) {
      await this.stage.pause(LATER * this.stage.terms.graceMs);
      for (const act of isThiefFirst ? [thieves, client] : [client, thieves]) await act();
    }
    // Invariant 7: after the end of the session, nothing that anybody held works.
    if (!this.witness.isEnded) return;
    for (const token of this.received.slice(-3)) await this.present(CLIENT, token, [AT_ONCE]);
  }

  private async present(
    who: { name: string; isThief: boolean },
    token: T,
    sendings: readonly Sending[],
    approach: Approach = {},
  ): Promise<Exchange<T>[]> {
    const exchanges = await this.stage.present(token, sendings, approach);
    for (const exchange of exchanges) {
      this.witness.presented(who, token, exchange, exchanges.length > 1);
      if (exchange.result.kind === 'answered') this.everyToken.push(exchange.result.token);
    }
    return exchanges;
  }

  private async refresh(sendings: readonly Sending[], tries = 2): Promise<void> {
    const presented = this.jar;
    const marks: Approach = this.record?.begin() ?? {};
    const attempt = marks.attempt ?? null;
    let isSuperseded = false;
    for (const exchange of await this.present(CLIENT, presented, sendings, marks)) {
      const { result, isDelivered } = exchange;
      if (result.kind === 'refused' && result.code === 'REFRESH_SUPERSEDED') isSuperseded ||= isDelivered;
      this.keep({ presented, attempt, exchange });
    }
    if (!isSuperseded || tries === 0) return;
    this.record?.superseded(attempt);
    await this.refresh([AT_ONCE], tries - 1);
  }

  private keep({ presented, attempt, exchange }: Held<T>): void {
    if (exchange.result.kind !== 'answered' || !exchange.isDelivered) return;
    this.witness.stored(Math.max(exchange.overAt, this.held ? this.stage.now() : 0), presented, exchange);
    this.jar = exchange.result.token;
    this.record?.answered(attempt, this.jar.generation);
    this.received.push(this.jar);
  }

  private async overtake(rotations: number, sending: Sending): Promise<void> {
    const early = this.jar;
    const marks: Approach = this.record?.begin() ?? {};
    const sentAt = this.stage.now();
    for (let time = 0; time < rotations; time += 1) await this.refresh([AT_ONCE]);
    // In flight during all of the rotations.
    const exchanges = await this.stage.present(early, [{ ...sending, request: 0 }], marks);
    for (const given of exchanges) {
      const exchange = { ...given, sentAt };
      this.witness.presented({ ...CLIENT, name: 'a page load on its way' }, early, exchange);
      if (exchange.result.kind === 'answered') this.everyToken.push(exchange.result.token);
      this.keep({ presented: early, attempt: marks.attempt ?? null, exchange });
    }
  }

  private async hold(sending: Sending): Promise<void> {
    const presented = this.jar;
    const marks: Approach = this.record?.begin() ?? {};
    const [exchange] = await this.present({ ...CLIENT, name: 'a slow tab' }, presented, [sending], marks);
    if (exchange?.isDelivered) this.held = { presented, attempt: marks.attempt ?? null, exchange };
  }

  private async arrive(): Promise<void> {
    if (!this.held) return;
    this.witness.tell(this.stage.now(), 'the answer of the slow tab arrives');
    this.keep(this.held);
    this.held = null;
  }

  private async restore(): Promise<void> {
    const earlier = this.received.at(-3);
    if (!earlier) return;
    this.jar = earlier;
    this.received.length = this.received.lastIndexOf(earlier) + 1;
    this.witness.fellBack(this.stage.now(), earlier.generation);
  }

  private async steal(thief: number, attempts: ThiefAttempts): Promise<void> {
    // Invariant 4 is about a single copy.
    const index = this.record ? 0 : thief;
    if (this.record && this.loot[index]) return;
    const { jar, record } = this;
    const isNewest = this.received.every(({ generation }) => generation <= jar.generation);
    this.witness.copied(this.stage.now(), jar.generation, isNewest && !record?.outstanding);
    const copy = { none: () => null, own: newRecord, copied: () => record?.copy() ?? null };
    this.loot[index] = { token: jar, record: record && copy[attempts]() };
  }

  private async use(token: T, who: { name: string; isThief: boolean }): Promise<void> {
    const { isAccepted, isRecorded } = await this.stage.use(token);
    this.witness.used(who, token.generation, this.stage.now(), isAccepted, isRecorded);
  }

  private async robbery(thief: number, sending: Sending, uses: boolean, isDisguised: boolean): Promise<void> {
    const index = this.record ? 0 : thief;
    const loot = this.loot[index];
    if (!loot) return;
    const name = `thief ${index}${isDisguised ? ' on another browser' : ''}`;
    const marks: Approach = loot.record?.begin() ?? {};
    const approach = { ...marks, isDisguised };
    const [exchange] = await this.present({ name, isThief: true }, loot.token, [sending], approach);
    if (exchange?.result.kind !== 'answered' || !exchange.isDelivered) return;
    loot.token = exchange.result.token;
    loot.record?.answered(marks.attempt ?? null, loot.token.generation);
    if (uses) await this.use(loot.token, { name, isThief: true });
  }
}
