import { AttemptRecord } from './attempt-record.js';
import {
  type ModelAnswer,
  type ModelRequest,
  ModelSession,
  type ModelToken,
  type Rule,
} from './model-session.js';

const GRACE_MS = 10_000;
const DAY_MS = 86_400_000;
/** How many generations a stored token or a waiting request may fall behind. */
const MAX_BEHIND = 4;

export type DuelStep =
  | { readonly kind: 'refresh'; readonly fate: 'answered' | 'answer lost' | 'answer late' | 'frozen' }
  /** A request that waited in a suspended process is handled; nobody receives its answer. */
  | { readonly kind: 'thaw' }
  | { readonly kind: 'arrives' }
  | { readonly kind: 'use' }
  /** The stored token falls back; the record of attempts does not. */
  | { readonly kind: 'fall back'; readonly generations: number }
  | { readonly kind: 'pause'; readonly seconds: number }
  | { readonly kind: 'copy' }
  | {
      readonly kind: 'thief';
      /** An index into the secrets and attempts that they know, the newest first. */
      readonly secret: number;
      readonly attempt: number;
      readonly previous: number;
      readonly isRelay: boolean;
      readonly uses: boolean;
    };

interface Late {
  readonly attempt: string | null;
  readonly answer: ModelAnswer;
}

/**
 * One owner and perhaps one thief against the decision itself: the owner loses answers, has waiting requests
 * and a stored token that falls back; the thief presents any secret and attempt they know. Checks invariants
 * 2 and 4.
 */
export class Duel {
  readonly failures: string[] = [];
  readonly lines: string[] = [];
  /** Uninterrupted series of answers to the thief. */
  thiefRuns = 0;
  isEndedHonestly = true;
  private now = Date.parse('2026-01-01T00:00:00Z');
  private drawn = 0;
  private readonly session: ModelSession;
  private record = new AttemptRecord(() => this.draw('owner'));
  private jar: ModelToken;
  private newest: ModelToken;
  private readonly stored: ModelToken[];
  private readonly frozen: ModelRequest[] = [];
  private readonly late: Late[] = [];
  private readonly loot: ModelToken[] = [];
  private readonly known: (string | null)[] = [null];
  private readonly givenToOwner = new Set<string>();
  private readonly givenToThief = new Map<string, number>();
  private isThiefsTurn = false;
  /** Refreshes of the owner that were asked to retry, each more than a grace period after the previous one. */
  private contestedAt: number[] = [];
  /** Since the copy, the owner has rotated and used the new access token. */
  private isOwnerAhead = false;
  private hasOwnerRotated = false;

  constructor(
    /** Copies are made only while no attempt is outstanding and the stored token is the newest. */
    private readonly isAtRest: boolean,
    rule?: Rule,
  ) {
    const policy = {
      gracePeriodMs: GRACE_MS,
      lostResponseWindowMs: 7 * DAY_MS,
      fingerprintMode: 'off',
    } as const;
    this.session = new ModelSession({ at: this.now, ip: '192.0.2.1' }, policy, rule);
    this.jar = this.session.login;
    this.newest = this.jar;
    this.stored = [this.jar];
  }

  get hasThief(): boolean {
    return this.loot.length > 0;
  }

  act(step: DuelStep): void {
    if (this.failures.length > 0) return;
    switch (step.kind) {
      case 'refresh':
        return this.refresh(step.fate, 2);
      case 'thaw':
        return this.thaw();
      case 'arrives':
        return this.arrive();
      case 'use':
        return this.use();
      case 'fall back':
        return this.fallBack(step.generations);
      case 'pause':
        this.now += step.seconds * 1000;
        return this.tell(`${step.seconds} s pass`);
      case 'copy':
        return this.copy();
      case 'thief':
        return this.robbery(step);
    }
  }

  private refresh(fate: 'answered' | 'answer lost' | 'answer late' | 'frozen', tries: number): void {
    if (tries === 0 || !this.isRecent(this.jar)) return;
    const request: ModelRequest = { token: this.jar, ...this.record.begin() };
    if (fate === 'frozen') {
      this.frozen.push(request);
      return this.tell(`the owner presents ${this.jar.gen} with ${request.attempt}: it waits`);
    }
    const answer = this.ask('the owner', request, fate === 'answered' ? '' : `, ${fate}`);
    if (fate === 'answer late') this.late.push({ attempt: request.attempt ?? null, answer });
    if (fate !== 'answered') return;
    if (answer.outcome === 'superseded') {
      this.record.superseded(request.attempt ?? null);
      return this.refresh(fate, tries - 1);
    }
    this.keep({ attempt: request.attempt ?? null, answer });
  }

  private thaw(): void {
    const request = this.frozen.shift();
    if (request && this.isRecent(request.token))
      this.ask('a request that waited', request, ', nobody listens');
  }

  private arrive(): void {
    const late = this.late.shift();
    if (!late?.answer.token || !this.isRecent(late.answer.token)) return;
    this.tell(`a late answer brings ${late.answer.token.gen}`);
    this.keep(late);
  }

  private use(): void {
    const isAccepted = this.session.use({ token: this.newest }, this.now);
    if (isAccepted && this.hasOwnerRotated && this.newest.gen === this.session.state.generation)
      this.isOwnerAhead = true;
    this.tell(`the owner uses access token ${this.newest.gen}: ${isAccepted ? 'accepted' : 'refused'}`);
  }

  private fallBack(generations: number): void {
    const candidates = this.stored.filter((token) => this.isRecent(token));
    const earlier = candidates.at(-1 - generations);
    if (!earlier) return;
    this.jar = earlier;
    this.stored.length = this.stored.lastIndexOf(earlier) + 1;
    this.tell(`the stored token falls back to ${earlier.gen}`);
  }

  private copy(): void {
    const isAtRest = this.record.outstanding === null && this.jar.gen === this.newest.gen;
    if (this.hasThief || (this.isAtRest && !isAtRest)) return;
    const { outstanding, previous } = this.record;
    this.loot.push(this.jar);
    this.known.push(previous, outstanding);
    this.hasOwnerRotated = false;
    this.tell(`the thief copies ${this.jar.gen} with ${outstanding} and ${previous}`);
  }

  private robbery(step: Extract<DuelStep, { kind: 'thief' }>): void {
    const token = this.loot.at(-1 - (step.secret % Math.max(1, this.loot.length)));
    if (!token) return;
    if (step.attempt === 0) this.known.push(this.draw('thief'));
    const pick = (index: number) => this.known.at(-1 - (index % this.known.length)) ?? null;
    const [attempt, previous] = [pick(step.attempt), pick(step.previous)];
    const answer = this.ask('the thief', { token, attempt, previous, isRelay: step.isRelay }, '');
    if (!answer.token) return;
    this.loot.push(answer.token);
    if (!step.uses) return;
    const isAccepted = this.session.use({ token: answer.token, isRelay: answer.isRelay }, this.now);
    this.tell(`the thief uses access token ${answer.token.gen}: ${isAccepted ? 'accepted' : 'refused'}`);
  }

  private ask(who: string, request: ModelRequest, note: string): ModelAnswer {
    const answer = this.session.refresh(request, this.now);
    const { token, attempt, previous } = request;
    const given = answer.token ? ` ${answer.token.gen}` : '';
    this.tell(
      `${who} presents ${token.gen} with ${attempt} and ${previous}: ${answer.outcome}${given}${note}`,
    );
    if (who === 'the thief') this.holdThief(answer);
    else this.holdOwner(answer, who, note === '');
    return answer;
  }

  private holdOwner({ outcome, token }: ModelAnswer, who: string, isDelivered: boolean): void {
    if (outcome === 'contested' && who === 'the owner') {
      if (this.now - (this.contestedAt.at(-1) ?? 0) > GRACE_MS) this.contestedAt.push(this.now);
      // A thief can displace the owner once, which costs one more grace period.
      if (this.isAtRest && this.contestedAt.length > (this.hasThief ? 2 : 1))
        this.fail('4 (b)', 'the owner is asked to wait again and again');
    }
    if (outcome === 'unknown' || outcome === 'expired' || outcome === 'restored')
      this.fail('2', `an honest request was answered ${outcome}`);
    if (!this.hasThief && (outcome === 'reuse' || outcome === 'revoked'))
      this.fail('2', `an honest request was answered ${outcome}`);
    if (!token) return;
    this.contestedAt = [];
    // Until an answer arrives, the owner and a thief who copied an outstanding attempt know the same.
    if (this.isAtRest || isDelivered) this.isThiefsTurn = false;
    if (who === 'the owner') this.hasOwnerRotated = this.hasThief;
    this.givenToOwner.add(token.secret);
    if (!this.isAtRest) return;
    if (this.givenToThief.has(token.secret)) this.fail('4 (a)', `both were given ${token.gen}`);
    for (const gen of this.givenToThief.values())
      if (!this.session.dead.has(gen))
        this.fail('4 (b)', `the thief's ${gen} outlived a refresh of the owner`);
  }

  private holdThief({ token }: ModelAnswer): void {
    if (!token) return;
    if (!this.isThiefsTurn) this.thiefRuns += 1;
    this.isThiefsTurn = true;
    if (this.thiefRuns > (this.isAtRest ? 1 : 2))
      this.fail('4 (c)', `the thief is served in run ${this.thiefRuns}`);
    if (this.isAtRest && this.isOwnerAhead) this.fail('4 (d)', 'the owner had rotated and used it');
    if (this.isAtRest && this.givenToOwner.has(token.secret))
      this.fail('4 (a)', `both were given ${token.gen}`);
    this.givenToThief.set(token.secret, token.gen);
  }

  private keep({ attempt, answer }: Late): void {
    if (!answer.token) return;
    this.record.answered(attempt, answer.token.gen);
    this.jar = answer.token;
    if (answer.token.gen >= this.newest.gen) this.newest = answer.token;
    this.stored.push(answer.token);
  }

  private isRecent({ gen }: ModelToken): boolean {
    return gen >= this.session.state.generation - MAX_BEHIND;
  }

  private draw(who: string): string {
    this.drawn += 1;
    return `${who}-${this.drawn}`;
  }

  private tell(what: string): void {
    this.lines.push(what);
  }

  private fail(invariant: string, what: string): void {
    this.failures.push(`invariant ${invariant}: ${what}`);
    this.lines.push(`^ invariant ${invariant}: ${what}`);
  }
}
