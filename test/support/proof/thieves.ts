import type { AttemptRecord } from '../rotation-model/attempt-record.js';
import { type Approach, AT_ONCE, newRecord, type Stage } from './play.js';
import type { Token } from './witness.js';

/** Thieves who watch the owner, and come when it serves them best. */
export const THIEVES = [
  'one behind',
  'one behind, tries again',
  'one ahead',
  'one ahead, within the grace',
  'sniper',
  'hit and run',
  'starver',
] as const;
export type ThiefKind = (typeof THIEVES)[number];

/** What was copied: the token only; also the record of attempts; both while an attempt was outstanding. */
export const COPIES = ['token only', 'full copy', 'attempt outstanding'] as const;
export type CopyKind = (typeof COPIES)[number];

export interface Robbery {
  readonly thief: ThiefKind;
  readonly copy: CopyKind;
  readonly hasAttempts: boolean;
  /** The thief's address; by default the owner's network. */
  readonly ip?: string;
  readonly isCookie?: boolean;
  /** How many times the owner comes; 8 by default. */
  readonly rounds?: number;
}

export interface RobberyReport {
  /** Refreshes of the thief that were answered with a token. */
  readonly served: number;
  /** Calls with access tokens from the thief's own refreshes. */
  readonly calls: number;
  /** How many of these came after the owner's next answered refresh. */
  readonly callsAfterOwner: number;
  /** Uninterrupted series of answers to the thief. */
  readonly runs: number;
  /** Generations whose secret both received after the copy. */
  readonly shared: number;
  /** Answers to the thief after the owner had rotated and used the new access token. */
  readonly servedAfterUse: number;
  /** How many times the owner refreshed until the session ended; `null` if it did not end. */
  readonly generationsToEnd: number | null;
}

/** Within the grace period. */
const SOON = 0.2;
const LATER = 1.4;

/** Plays one theft to its end: the owner refreshes and works, round after round; the thief comes in between. */
export async function rob<T extends Token>(stage: Stage<T>, robbery: Robbery): Promise<RobberyReport> {
  const scene = new Scene(stage, await stage.login(robbery.isCookie ?? true), robbery);
  await scene.steal();
  const { rounds = 8 } = robbery;
  for (let round = 0; round < rounds && !scene.isEnded; round += 1) await scene.round();
  return scene.report();
}

class Holder<T extends Token> {
  /** How many refreshes were answered with a token. */
  served = 0;
  readonly given = new Set<number>();

  constructor(
    public token: T,
    readonly record: AttemptRecord | null,
    /** The owner and the thief use different instances. */
    readonly door: number,
    readonly approach: Approach = {},
  ) {}
}

class Scene<T extends Token> {
  isEnded = false;
  private readonly owner: Holder<T>;
  private thief: Holder<T>;
  private rounds = 0;
  private runs = 0;
  private calls = 0;
  private callsAfterOwner = 0;
  private servedAfterUse = 0;
  private hasOwnerRotated = false;
  private isOwnerAhead = false;
  private isThiefsTurn = false;
  private hasGivenUp = false;

  constructor(
    private readonly stage: Stage<T>,
    login: T,
    private readonly robbery: Robbery,
  ) {
    this.owner = new Holder(login, robbery.hasAttempts ? newRecord() : null, 0);
    this.thief = new Holder(login, null, 1);
  }

  async steal(): Promise<void> {
    const { copy, hasAttempts, ip, thief } = this.robbery;
    await this.refresh(this.owner);
    // The answer to this attempt has not arrived yet.
    if (copy === 'attempt outstanding') this.owner.record?.begin();
    const record = copy === 'token only' || !hasAttempts ? null : this.owner.record?.copy();
    const own = copy === 'token only' && hasAttempts ? newRecord() : null;
    const approach = { ...(ip ? { ip } : {}), ...(thief === 'starver' ? { relay: true } : {}) };
    this.thief = new Holder(this.owner.token, record ?? own, 1, approach);
    this.owner.given.clear();
    this.hasOwnerRotated = false;
    this.isOwnerAhead = false;
  }

  async round(): Promise<void> {
    this.rounds += 1;
    await this.pause(LATER);
    await this.before();
    if (!this.isEnded) await this.ownerComes();
    await this.after();
  }

  report(): RobberyReport {
    const shared = [...this.thief.given].filter((generation) => this.owner.given.has(generation));
    const { runs, calls, callsAfterOwner, servedAfterUse } = this;
    return {
      served: this.thief.served,
      calls,
      callsAfterOwner,
      runs,
      shared: shared.length,
      servedAfterUse,
      generationsToEnd: this.isEnded ? this.rounds : null,
    };
  }

  /** What the thief does before the owner comes. */
  private async before(): Promise<void> {
    const { thief } = this.robbery;
    if (thief.startsWith('one ahead')) await this.thiefRefreshes();
    if (thief === 'one ahead') await this.pause(LATER);
    if (thief === 'starver') {
      await this.thiefRefreshes();
      await this.pause(LATER);
      await this.thiefRefreshes();
    }
    if (thief === 'sniper' || (thief === 'hit and run' && this.rounds === 1)) {
      await this.thiefRefreshes();
      await this.thiefCalls();
      await this.pause(LATER);
    }
  }

  /** The owner refreshes, retries after the grace period if asked to, and works. */
  private async ownerComes(): Promise<void> {
    let code = await this.refresh(this.owner);
    for (let tries = 0; code === 'REFRESH_CONTESTED' && tries < 3; tries += 1) {
      if (this.robbery.thief === 'starver') await this.thiefRefreshes();
      await this.pause(LATER);
      code = await this.refresh(this.owner);
    }
    if (this.isEnded) return;
    const { isRecorded } = await this.stage.use(this.owner.token);
    this.isOwnerAhead ||= isRecorded && this.hasOwnerRotated;
  }

  /** What the thief does once the owner has come. */
  private async after(): Promise<void> {
    const { thief } = this.robbery;
    if (thief.startsWith('one behind')) {
      await this.pause(SOON);
      await this.thiefRefreshes();
    }
    // Wait until the other instances know what was revoked.
    await this.stage.pause(this.stage.terms.revocationBoundMs);
    await this.thiefCalls();
    if (thief !== 'one behind, tries again') return;
    await this.pause(LATER);
    await this.thiefRefreshes();
  }

  private async thiefRefreshes(): Promise<void> {
    if (this.isEnded || this.hasGivenUp) return;
    const before = this.thief.served;
    await this.refresh(this.thief);
    if (this.thief.served === before) {
      // The thief is careful, and does not come back after being detected.
      this.hasGivenUp = this.robbery.thief === 'one behind';
      return;
    }
    if (!this.isThiefsTurn) this.runs += 1;
    this.isThiefsTurn = true;
    if (this.isOwnerAhead) this.servedAfterUse += 1;
  }

  private async thiefCalls(): Promise<void> {
    if (this.thief.served === 0) return;
    const { isAccepted } = await this.stage.use(this.thief.token);
    if (!isAccepted) return;
    this.calls += 1;
    if (this.hasOwnerRotated) this.callsAfterOwner += 1;
  }

  private async refresh(holder: Holder<T>): Promise<string> {
    const { record } = holder;
    const marks: Approach = record?.begin() ?? {};
    const sending = { ...AT_ONCE, door: holder.door };
    const [exchange] = await this.stage.present(holder.token, [sending], { ...marks, ...holder.approach });
    const result = exchange?.result;
    if (result?.kind === 'answered') {
      holder.token = result.token;
      holder.served += 1;
      holder.given.add(result.token.generation);
      record?.answered(marks.attempt ?? null, result.token.generation);
      if (holder === this.owner) {
        this.hasOwnerRotated = true;
        this.isThiefsTurn = false;
      }
      return 'answered';
    }
    if (result?.kind !== 'refused') throw new Error(`no answer: ${JSON.stringify(result)}`);
    if (result.code === 'REFRESH_SUPERSEDED') record?.superseded(marks.attempt ?? null);
    if (result.code === 'REFRESH_TOKEN_REUSED' || result.code === 'SESSION_REVOKED') this.isEnded = true;
    return result.code;
  }

  private async pause(graces: number): Promise<void> {
    await this.stage.pause(graces * this.stage.terms.graceMs);
  }
}
