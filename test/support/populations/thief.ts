import { hashSecret } from '../../../src/core/successor-seal.js';
import { AttemptRecord } from '../rotation-model/attempt-record.js';
import type { ModelAnswer, ModelSession, ModelToken } from '../rotation-model/model-session.js';
import type { Browser } from './browser.js';
import { COMMON } from './parameters.js';
import { MINUTE, SECOND, type Timeline } from './timeline.js';

export interface ThiefKind {
  readonly name: string;
  /** How the thief times requests relative to the owner. */
  readonly manner: 'behind' | 'behind, again' | 'ahead' | 'middle' | 'random' | 'hit and run' | 'starver';
  readonly copies: 'token' | 'record' | 'outstanding';
  readonly isElsewhere: boolean;
}

const KIND = { copies: 'token', isElsewhere: true } as const;

export const THIEF_KINDS: readonly ThiefKind[] = [
  { ...KIND, name: 'one behind', manner: 'behind' },
  { ...KIND, name: 'one behind, same network', manner: 'behind', isElsewhere: false },
  { ...KIND, name: 'one behind, full copy', manner: 'behind', copies: 'record' },
  { ...KIND, name: 'one behind, tries again after the grace', manner: 'behind, again' },
  { ...KIND, name: 'one ahead', manner: 'ahead' },
  {
    ...KIND,
    name: 'one ahead, full copy, same network',
    manner: 'ahead',
    copies: 'record',
    isElsewhere: false,
  },
  {
    ...KIND,
    name: 'one ahead, copied while an attempt was outstanding',
    manner: 'ahead',
    copies: 'outstanding',
  },
  { ...KIND, name: 'sniper: in the middle between two refreshes', manner: 'middle' },
  { ...KIND, name: 'random', manner: 'random' },
  { ...KIND, name: 'hit and run', manner: 'hit and run' },
  { ...KIND, name: 'starver: displaces again and again, claims to be a relay', manner: 'starver' },
];

export interface ThiefReport {
  readonly outcome: 'found' | 'shut out' | 'thrown out' | 'unseen';
  /** Whether an event informs the operator: contested or displaced from elsewhere, or two networks. */
  readonly isReported: boolean;
  /** Calls with access tokens from refreshes, not counting the copied one. */
  readonly calls: number;
  readonly copiedCalls: number;
  /** Those of these calls that came more than 12 s after the owner first came back. */
  readonly callsAfter: number;
  /** How many times the owner refreshed until the session ended. */
  readonly generations: number | null;
}

/** One API call a minute while the access token works. */
const CALL_EVERY_MS = MINUTE;
const FORGIVEN_MS = 12 * SECOND;
const REPORTED_GENERATIONS = 3;
/** Faster than the owner's answer is stored, or after the grace period. */
const AT_ONCE_MS = 2 * SECOND;
const LATER_MS = COMMON.graceMs + 2 * SECOND;

interface Held {
  readonly token: ModelToken;
  readonly isRelay: boolean;
  readonly until: number;
  readonly isCopied: boolean;
}

/** Copies what a browser holds, once, and uses it. */
export class Thief {
  private token: ModelToken | null = null;
  private record: AttemptRecord | null = null;
  private access: Held | null = null;
  private calls = 0;
  private copiedCalls = 0;
  private callsAfter = 0;
  private served = 0;
  private generations = 0;
  private ownerCameAt: number | null = null;
  private isReported = false;
  /** A careful thief does not come back after being detected. */
  private hasGivenUp = false;
  private drawn = 0;
  /** Only the latest plan is carried out. */
  private plans = 0;

  constructor(
    private readonly time: Timeline,
    private readonly session: ModelSession,
    private readonly browser: Browser,
    private readonly kind: ThiefKind,
    private readonly sendsAttempts: boolean,
  ) {}

  /** Waits until there is something worth copying. */
  waitToCopy(): void {
    const { time, browser, kind } = this;
    if (this.session.isEnded || browser.isLoggedOut) return;
    const { access } = browser;
    if (access && access.until > time.now && kind.copies === 'outstanding') {
      browser.onAttempt = () => {
        browser.onAttempt = null;
        this.copy(access);
      };
    } else if (access && access.until > time.now && browser.isAtRest) this.copy(access);
    else time.after(30 * SECOND, () => this.waitToCopy());
  }

  report(): ThiefReport | null {
    if (!this.token) return null;
    const { calls, copiedCalls, callsAfter, generations, session } = this;
    const isCurrent = hashSecret(this.token.secret) === session.state.tokenHash;
    const isGood = isCurrent || (this.access && !this.access.isCopied && this.isHeldGood());
    const isReported = this.isReported || session.mostShared >= REPORTED_GENERATIONS;
    const counts = { isReported, calls, copiedCalls, callsAfter };
    if (session.isEnded) return { ...counts, outcome: 'found', generations };
    const isOver = isGood ? 'unseen' : 'thrown out';
    return { ...counts, outcome: this.served === 0 ? 'shut out' : isOver, generations: null };
  }

  private copy(access: Held | { token: ModelToken; isRelay: boolean; until: number }): void {
    const { browser, kind } = this;
    this.token = browser.jar;
    this.access = { ...access, isCopied: true };
    if (this.sendsAttempts) this.record = kind.copies === 'token' ? this.own() : browser.record.copy();
    browser.onAnswer = (outcome, isServed) => {
      this.notice(outcome);
      if (isServed) this.ownerCame();
    };
    this.work();
    if (kind.manner === 'hit and run') this.stay();
    if (kind.manner === 'random') this.wander();
    if (kind.manner === 'starver') this.starve();
    if (kind.manner === 'ahead' || kind.manner === 'middle') this.plan();
  }

  private own(): AttemptRecord {
    return new AttemptRecord(() => {
      this.drawn += 1;
      return `thief-${this.drawn}`;
    });
  }

  /** Two clients with one token are reported if their networks differ. */
  private notice(outcome: ModelAnswer['outcome']): void {
    if (outcome === 'contested' || outcome === 'displaced') this.isReported ||= this.kind.isElsewhere;
  }

  /** The thief learns at once that the owner was served, as if by an oracle. */
  private ownerCame(): void {
    const { time, kind } = this;
    if (this.session.isEnded) return;
    this.generations += 1;
    this.ownerCameAt ??= time.now;
    const follow = () => {
      if (this.isBehind) this.refresh();
    };
    if (kind.manner.startsWith('behind')) time.after(AT_ONCE_MS, follow);
    if (kind.manner === 'behind, again') time.after(LATER_MS, follow);
    if (kind.manner === 'ahead' || kind.manner === 'middle') this.plan();
  }

  /** Plans for shortly before the owner's access token expires, or for the middle of its lifetime. */
  private plan(): void {
    const wait = this.kind.manner === 'middle' ? COMMON.accessTtlMs / 2 : COMMON.accessTtlMs - 80 * SECOND;
    this.plans += 1;
    const { plans } = this;
    this.time.after(wait, () => {
      if (plans === this.plans) this.refresh();
    });
  }

  private stay(): void {
    if (this.session.isEnded) return;
    if (!this.access || this.access.until - COMMON.refreshAheadMs <= this.time.now || this.access.isCopied)
      this.refresh();
    this.time.after(CALL_EVERY_MS, () => this.stay());
  }

  private wander(): void {
    if (this.session.isEnded) return;
    this.time.after(this.time.wait(30 * MINUTE), () => {
      this.refresh();
      this.wander();
    });
  }

  private starve(): void {
    if (this.session.isEnded) return;
    if (this.isBehind) this.refresh();
    this.time.after(LATER_MS, () => this.starve());
  }

  private refresh(): void {
    const { time, session, kind, record } = this;
    if (!this.token || session.isEnded || this.hasGivenUp) return;
    const marks = record?.begin() ?? { attempt: null, previous: null };
    const ip = kind.isElsewhere ? '203.0.113.66' : '192.0.1.1';
    const isRelay = kind.manner === 'starver';
    const answer = session.refresh({ token: this.token, ...marks, ip, isRelay }, time.now);
    if (answer.outcome === 'superseded') record?.superseded(marks.attempt);
    this.notice(answer.outcome);
    if (!answer.token) return this.giveUp();
    this.served += 1;
    this.token = answer.token;
    record?.answered(marks.attempt, answer.token.gen);
    const { token } = answer;
    this.access = { token, isRelay: answer.isRelay, until: time.now + COMMON.accessTtlMs, isCopied: false };
  }

  private giveUp(): void {
    const { manner } = this.kind;
    this.hasGivenUp =
      manner === 'behind' || manner === 'ahead' || manner === 'middle' || manner === 'starver';
  }

  private get isBehind(): boolean {
    return this.token !== null && this.session.state.generation > this.token.gen;
  }

  private isHeldGood(): boolean {
    const { access, time, session } = this;
    return !!access && access.until > time.now && !session.isEnded && !session.dead.has(access.token.gen);
  }

  /** Calls the API. A thief who is ahead keeps the tokens until the owner has refreshed. */
  private work(): void {
    const { time, kind, access } = this;
    if (this.session.isEnded) return;
    const isKept = kind.manner === 'ahead' && access && !access.isCopied && !this.hasOwnerComeSince(access);
    if (access && !isKept && access.until > time.now && this.session.use(access, time.now)) {
      if (access.isCopied) this.copiedCalls += 1;
      else {
        this.calls += 1;
        if (this.ownerCameAt !== null && time.now - this.ownerCameAt > FORGIVEN_MS) this.callsAfter += 1;
      }
    } else if (access && !isKept && access.until > time.now) this.giveUp();
    time.after(CALL_EVERY_MS, () => this.work());
  }

  private hasOwnerComeSince({ until }: Held): boolean {
    return (this.browser.servedAt ?? 0) > until - COMMON.accessTtlMs;
  }
}
