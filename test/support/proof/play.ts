import type { Fate, Interleaving, Sending, Step } from './interleaving.js';
import type { Tally } from './tally.js';
import { type Exchange, type Terms, type Token, Witness } from './witness.js';

/** Where a story is played: the pure core in a time of its own, or processes in real time. */
export interface Stage<T extends Token> {
  readonly terms: Terms;
  login(isCookie: boolean): Promise<T>;
  now(): number;
  pause(ms: number): Promise<void>;
  night(hours: number): Promise<void>;
  anchor(share: number): void;
  /** All at once; in the order in which the answers arrive. */
  present(token: T, sendings: readonly Sending[], isDisguised: boolean): Promise<Exchange<T>[]>;
  use(token: T): Promise<{ isAccepted: boolean; isRecorded: boolean }>;
  /** Whether it was answered that the session has ended. */
  logout(token: T): Promise<boolean>;
  /** Holds what the database keeps against invariant 7, and the end of access tokens against invariant 4. */
  inspect(witness: Witness<T>, tokens: readonly T[]): Promise<void>;
}

const ANSWERED: Fate = { kind: 'answered' };
const AT_ONCE: Sending = { fate: ANSWERED, request: 0, answer: 0, door: 0 };
const CLIENT = { name: 'the client', isThief: false };
/** Surely beyond a grace period. */
const LATER = 1.4;

/** Plays one interleaving to its end; gives what the witness saw. */
export async function play<T extends Token>(
  stage: Stage<T>,
  { steps, isCookie, isThiefFirst }: Interleaving,
  tally: Tally,
): Promise<Witness<T>> {
  const login = await stage.login(isCookie);
  const cast = new Cast(stage, login, tally);
  for (const step of steps) {
    await cast.act(step);
    if (cast.witness.failures.length > 0) break;
  }
  if (cast.witness.failures.length === 0) await cast.comeBack(isThiefFirst);
  await stage.inspect(cast.witness, cast.everyToken);
  tally.stories += 1;
  if (cast.witness.isInsideInvariant2) tally.insideInvariant2 += 1;
  return cast.witness;
}

/** One browser, whose tabs share a jar, and two thieves. */
class Cast<T extends Token> {
  readonly witness: Witness<T>;
  readonly everyToken: T[];
  private jar: T;
  private readonly received: T[];
  private readonly loot: (T | undefined)[] = [];
  private held: { presented: T; exchange: Exchange<T> } | null = null;

  constructor(
    private readonly stage: Stage<T>,
    login: T,
    tally: Tally,
  ) {
    this.jar = login;
    this.received = [login];
    this.everyToken = [login];
    this.witness = new Witness(stage.terms, tally, login, stage.now());
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
        this.loot[step.thief] = this.jar;
        return this.witness.tell(stage.now(), `thief ${step.thief} takes ${this.jar.generation}`);
      case 'thief':
        return this.robbery(step.thief, step.sending, step.uses, step.isDisguised);
    }
  }

  /** In the end everybody comes back, each time after the grace: what can come to light does. */
  async comeBack(isThiefFirst: boolean): Promise<void> {
    const thieves = async () => {
      for (const [index, loot] of this.loot.entries())
        if (loot) await this.robbery(index, AT_ONCE, true, false);
    };
    const client = async () => {
      await this.refresh([AT_ONCE]);
      await this.use(this.jar, CLIENT);
    };
    for (let round = 0; round < 2; round += 1) {
      await this.stage.pause(LATER * this.stage.terms.graceMs);
      for (const act of isThiefFirst ? [thieves, client] : [client, thieves]) await act();
    }
    // 4: once it is over, nothing that anybody ever held gives anything.
    if (!this.witness.isEnded) return;
    for (const token of this.received.slice(-3)) await this.present(CLIENT, token, [AT_ONCE]);
  }

  private async present(who: { name: string; isThief: boolean }, token: T, sendings: readonly Sending[]) {
    return this.presentAs(who, token, sendings, false);
  }

  private async presentAs(
    who: { name: string; isThief: boolean },
    token: T,
    sendings: readonly Sending[],
    isDisguised: boolean,
  ): Promise<Exchange<T>[]> {
    const exchanges = await this.stage.present(token, sendings, isDisguised);
    for (const exchange of exchanges) {
      this.witness.presented(who, token, exchange, exchanges.length > 1);
      if (exchange.result.kind === 'answered') this.everyToken.push(exchange.result.token);
    }
    return exchanges;
  }

  private async refresh(sendings: readonly Sending[]): Promise<void> {
    const presented = this.jar;
    for (const exchange of await this.present(CLIENT, presented, sendings)) this.keep(presented, exchange);
  }

  private keep(presented: T, exchange: Exchange<T>): void {
    if (exchange.result.kind !== 'answered' || !exchange.isDelivered) return;
    this.witness.stored(Math.max(exchange.overAt, this.held ? this.stage.now() : 0), presented, exchange);
    this.jar = exchange.result.token;
    this.received.push(this.jar);
  }

  private async overtake(rotations: number, sending: Sending): Promise<void> {
    const early = this.jar;
    const sentAt = this.stage.now();
    for (let time = 0; time < rotations; time += 1) await this.refresh([AT_ONCE]);
    // On its way all the while.
    const exchanges = await this.stage.present(early, [{ ...sending, request: 0 }], false);
    for (const given of exchanges) {
      const exchange = { ...given, sentAt };
      this.witness.presented({ ...CLIENT, name: 'a page load on its way' }, early, exchange);
      if (exchange.result.kind === 'answered') this.everyToken.push(exchange.result.token);
      this.keep(early, exchange);
    }
  }

  private async hold(sending: Sending): Promise<void> {
    const presented = this.jar;
    const [exchange] = await this.present({ ...CLIENT, name: 'a slow tab' }, presented, [sending]);
    if (exchange?.isDelivered) this.held = { presented, exchange };
  }

  private async arrive(): Promise<void> {
    if (!this.held) return;
    const { presented, exchange } = this.held;
    this.witness.tell(this.stage.now(), 'the answer of the slow tab arrives');
    this.keep(presented, exchange);
    this.held = null;
  }

  private async restore(): Promise<void> {
    const earlier = this.received.at(-3);
    if (!earlier) return;
    this.jar = earlier;
    this.witness.excuse('the browser was restored from a backup');
    this.witness.tell(this.stage.now(), `the browser is restored: it holds ${earlier.generation}`);
  }

  private async use(token: T, who: { name: string; isThief: boolean }): Promise<void> {
    const { isAccepted, isRecorded } = await this.stage.use(token);
    this.witness.used(who, token.generation, this.stage.now(), isAccepted, isRecorded);
  }

  private async robbery(index: number, sending: Sending, uses: boolean, isDisguised: boolean): Promise<void> {
    const loot = this.loot[index];
    if (!loot) return;
    const name = `thief ${index}${isDisguised ? ' on another browser' : ''}`;
    const [exchange] = await this.presentAs({ name, isThief: true }, loot, [sending], isDisguised);
    if (exchange?.result.kind !== 'answered' || !exchange.isDelivered) return;
    this.loot[index] = exchange.result.token;
    if (uses) await this.use(exchange.result.token, { name, isThief: true });
  }
}
