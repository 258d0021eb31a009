import type { Tally } from './tally.js';

/** The contents of a refresh token, readable by every holder. Times in milliseconds. */
export interface Token {
  readonly generation: number;
  readonly secret: string;
  readonly expiresAt: number;
  readonly absoluteExpiresAt: number;
  /** When the access token issued with it expires, if there is one. */
  readonly accessExpiresAt?: number;
}

/** The answer, whether or not it reached the sender. */
export type Result<T extends Token> =
  | { readonly kind: 'answered'; readonly token: T }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** It is unknown what the server did: it died, the connection broke, or it answered 503. */
  | { readonly kind: 'silent'; readonly why: string }
  /** Certainly never reached the server. */
  | { readonly kind: 'unsent' };

export interface Exchange<T extends Token> {
  /** The server handled it between `from` and `until`. */
  readonly from: number;
  readonly until: number;
  /** When the client sent it, and when it had the answer or gave up. */
  readonly sentAt: number;
  readonly overAt: number;
  readonly result: Result<T>;
  readonly isDelivered: boolean;
  /** For the reader of a story: the instance, and what went wrong. */
  readonly note: string;
}

export interface Presenter {
  readonly name: string;
  readonly isThief: boolean;
}

export interface Terms {
  readonly graceMs: number;
  readonly lostResponseWindowMs: number;
  /** The largest difference between the server's clock and the witness's. */
  readonly toleranceMs: number;
  /** How long revoked access tokens may still be accepted. */
  readonly revocationBoundMs: number;
}

interface Span {
  readonly from: number;
  readonly until: number;
}

/** The lists of a session as stored in the database. */
export interface Remembered {
  readonly predecessors: readonly unknown[];
  readonly abandoned: readonly unknown[];
  readonly recentUses: readonly unknown[];
}

/** The size of a session with four predecessors and four abandoned secrets. */
const MAX_BYTES = 3_300;

/**
 * Watches one session from outside and checks it against the invariants of rotation. It knows the requests,
 * the answers and their times; it never asks the product for a session's state, and does not repeat its
 * decisions.
 */
export class Witness<T extends Token> {
  readonly failures: string[] = [];
  private readonly lines: string[] = [];
  private readonly secrets = new Map<number, string>();
  /** The time span of each generation's last and first replacement. */
  private readonly replaced = new Map<number, Span>();
  private readonly firstReplaced = new Map<number, number>();
  /** Since when a generation may have been replaced by a request whose answer nobody saw. */
  private readonly perhapsReplaced = new Map<number, number>();
  /** Generations that another answer abandoned, and when. */
  private readonly abandoned = new Map<number, number>();
  /** Generations whose receipt is recorded, and since when. */
  private readonly proven: { generation: number; at: number }[] = [];
  private readonly answered: { generation: number; until: number }[] = [];
  /** What the honest client presented without an answer, and when. */
  private readonly unanswered: { generation: number; at: number }[] = [];
  /** Requests without an answer since the newest generation was seen: each may have created another one. */
  private unseenRequests = 0;
  /** One of them may have abandoned a generation. */
  private isUncertain = false;
  private newest: T;
  private endedAt: number | null = null;
  /** A request without an answer may have ended the session. */
  private isPerhapsEnded = false;
  private hasLeft = false;
  private hasThief = false;
  private isTheftConfirmed = false;
  /** Preconditions of invariants 2 and 3 that were broken. */
  private readonly excuses = new Set<string>();
  private lastStored = { presented: -1, made: -1 };
  private readonly twoHolders: TwoHolders;

  constructor(
    private readonly terms: Terms,
    private readonly tally: Tally,
    login: T,
    private readonly startedAt: number,
    /** Whether the client sends attempts. */
    private readonly hasAttempts: boolean,
  ) {
    this.newest = login;
    this.secrets.set(login.generation, login.secret);
    this.answered.push({ generation: login.generation, until: startedAt });
    this.twoHolders = new TwoHolders((what) => this.fail(4, what));
  }

  get isEnded(): boolean {
    return this.endedAt !== null;
  }

  get isInsideInvariant2(): boolean {
    return this.excuses.size === 0;
  }

  tell(at: number, what: string): void {
    this.lines.push(`  +${((at - this.startedAt) / 1000).toFixed(3)} s  ${what}`);
  }

  story(): string {
    return [...this.failures, ...this.lines].join('\n');
  }

  excuse(why: string): void {
    this.excuses.add(why);
  }

  /** The owner logged out; `isCommitted` if that was answered. */
  left(at: number, isCommitted: boolean): void {
    this.hasLeft = true;
    this.isPerhapsEnded = true;
    if (isCommitted) this.endedAt ??= at;
    this.tell(at, `the client logs out${isCommitted ? '' : ', unanswered'}`);
  }

  /** The client's stored token is an earlier one again. */
  fellBack(at: number, generation: number): void {
    this.tell(at, `the stored token falls back to ${generation}`);
    if (!this.hasAttempts) this.excuse('the stored token fell back, and the client sends no attempts');
  }

  /** A thief copied what the client holds; `isAtRest`: no attempt was outstanding, and the token was the newest. */
  copied(at: number, generation: number, isAtRest: boolean): void {
    this.tell(at, `a thief copies ${generation}${isAtRest ? '' : ', an attempt outstanding'}`);
    if (this.hasAttempts) this.twoHolders.copied(isAtRest);
  }

  /** A refresh token was presented. `isContested`: at the same time as others. */
  presented(who: Presenter, presented: T, exchange: Exchange<T>, isContested = false): void {
    const { from, until, result, isDelivered, note } = exchange;
    this.count(exchange);
    if (who.isThief && result.kind !== 'unsent') this.suspect();
    if (!who.isThief && !this.hasAttempts) this.checkManners(presented, exchange);
    const mustBeCaught = result.kind !== 'unsent' && this.mustBeCaught(presented, from, until);
    const lost = result.kind === 'answered' && !isDelivered ? ', lost on the way' : '';
    this.tell(from, `${who.name} presents ${presented.generation}${note} → ${describe(result)}${lost}`);
    if (result.kind === 'answered') {
      if (mustBeCaught) this.fail(5, `${presented.generation} was accepted although its theft was proven`);
      if (isContested && !this.hasAttempts && result.token.generation > presented.generation + 1)
        this.excuse('requests that took no lock met the end of a grace period');
      this.accepted(presented, result.token, from, until);
      this.twoHolders.answered(who.isThief, result.token.generation, exchange);
    } else if (result.kind === 'refused' && result.status < 500) {
      this.twoHolders.refused(who.isThief);
      // After a 409 the client retries; nobody is logged out.
      if (result.status !== 409) this.refused(who, presented, result, exchange, mustBeCaught, isContested);
      else if (mustBeCaught) this.fail(5, `a proven theft was answered ${result.code}`);
    } else if (result.kind !== 'unsent') {
      if (!who.isThief) this.unanswered.push({ generation: presented.generation, at: from });
      this.unseen(presented, from);
    }
  }

  /** The client stores an answer. */
  stored(at: number, presented: T, exchange: Exchange<T>): void {
    if (exchange.result.kind !== 'answered' || this.hasAttempts) return;
    const made = exchange.result.token.generation;
    if (at - exchange.sentAt > this.terms.graceMs / 2) this.excuse('an answer arrived too late');
    if (this.lastStored.presented > presented.generation && this.lastStored.made > made)
      this.excuse('answers arrived in another order than they were made: no lock was taken');
    this.lastStored = { presented: presented.generation, made };
  }

  /** An access token was used; `isRecorded`: its receipt is known to be recorded. */
  used(who: Presenter, generation: number, at: number, accepted: boolean, isRecorded: boolean): void {
    if (who.isThief) this.suspect();
    this.tell(at, `${who.name} uses access token ${generation} → ${accepted ? 'accepted' : 'refused'}`);
    if (!accepted) return;
    const { revocationBoundMs } = this.terms;
    if (at - (this.abandoned.get(generation) ?? at) > revocationBoundMs)
      this.fail(1, `an access token of ${generation} works, which was abandoned`);
    this.twoHolders.used(who.isThief, generation, at - revocationBoundMs, isRecorded);
    if (isRecorded) this.proven.push({ generation, at });
  }

  /** Checks what the database stores of the session. */
  stores({ predecessors, abandoned, recentUses }: Remembered, bytes = 0): void {
    const counts = [predecessors.length, abandoned.length, recentUses.length];
    if (counts.some((count, index) => count > ([4, 4, 5][index] ?? 0)) || bytes > MAX_BYTES)
      this.fail(8, `${counts.join(', ')} predecessors, abandoned secrets, uses; ${bytes} bytes`);
  }

  /** Counts what happened to a thief whose copy was made at rest. */
  countThief(): void {
    const end = this.twoHolders.end;
    if (!end || this.hasLeft) return;
    this.tally.thieves += 1;
    if (this.isEnded) this.tally.thievesFound += 1;
    else if (end === 'served') this.tally.thievesThrownOut += 1;
    else this.tally.thievesShutOut += 1;
  }

  fail(invariant: number, what: string): void {
    this.failures.push(`invariant ${invariant} is broken: ${what}`);
    this.lines.push(`  ^ here invariant ${invariant} broke: ${what}`);
  }

  /** Preconditions of invariant 3 that a single request can break. */
  private checkManners({ generation }: T, { until, sentAt, overAt }: Exchange<T>): void {
    const { graceMs, toleranceMs } = this.terms;
    if (overAt - sentAt > graceMs / 2) this.excuse('an attempt took too long');
    // A request that was overtaken in flight has the grace period of its own token, not the later one of a
    // recovery.
    const replacedAt = this.replacedSince(generation);
    if (replacedAt === undefined || this.lastStored.made <= generation) return;
    if (until - replacedAt > graceMs - toleranceMs)
      this.excuse('a request that took no lock was overtaken, its token long replaced');
  }

  private replacedSince(generation: number): number | undefined {
    return this.firstReplaced.get(generation) ?? this.perhapsReplaced.get(generation);
  }

  private suspect(): void {
    this.hasThief = true;
    this.excuse('somebody else used the session');
  }

  private count({ result, isDelivered }: Exchange<T>): void {
    if (result.kind !== 'unsent') this.tally.refreshes += 1;
    if (result.kind === 'unsent' || !isDelivered) this.tally.lostAnswers += 1;
    if (result.kind !== 'refused' || result.status < 500) return;
    if (result.status === 503) this.tally.unavailable += 1;
    else this.tally.otherServerErrors += 1;
  }

  private accepted(presented: T, token: T, from: number, until: number): void {
    const { generation } = token;
    this.isPerhapsEnded = this.hasLeft;
    this.checkAnswer(token, from);
    const known = this.secrets.get(generation);
    if (known !== undefined && known !== token.secret)
      this.fail(1, `two secrets of generation ${generation}`);
    const floor = Math.max(...this.answered.filter((answer) => answer.until < from).map((a) => a.generation));
    if (generation < floor) this.fail(1, `led to ${generation} when ${floor} was current`);
    if (generation > this.newest.generation + 1 + this.unseenRequests)
      this.fail(1, `${generation} has no predecessor`);
    if (!this.isUncertain && !this.abandoned.has(presented.generation))
      this.proven.push({ generation: presented.generation, at: until });
    this.noteReplacement(presented, generation, { from, until });
    this.secrets.set(generation, token.secret);
    this.answered.push({ generation, until });
    if (generation > this.newest.generation) this.unseenRequests = 0;
    if (generation >= this.newest.generation) this.newest = token;
  }

  private checkAnswer(token: T, from: number): void {
    if (this.endedAt !== null && this.endedAt <= from) this.fail(7, 'a session that had ended gave a token');
    if (token.accessExpiresAt !== undefined && token.accessExpiresAt > token.expiresAt)
      this.fail(7, 'an access token outlives its session');
    if (token.absoluteExpiresAt !== this.newest.absoluteExpiresAt) this.fail(8, 'the absolute expiry moved');
    if (token.expiresAt > token.absoluteExpiresAt) this.fail(8, 'the expiry exceeds the absolute one');
  }

  /** A new generation replaces the presented one; all generations between the two are abandoned. */
  private noteReplacement(presented: T, generation: number, { from, until }: Span): void {
    const { generation: earlier } = presented;
    const isNew = !this.secrets.has(generation);
    const span = { from: this.perhapsReplaced.get(earlier) ?? from, until };
    if (isNew || !this.replaced.has(earlier)) this.replaced.set(earlier, span);
    if (!this.firstReplaced.has(earlier)) this.firstReplaced.set(earlier, span.from);
    // Only if no other request could have created it, this one certainly did.
    if (!isNew || this.unseenRequests > 0 || generation !== this.newest.generation + 1) return;
    for (let between = earlier + 1; between < generation; between += 1) {
      this.abandoned.set(between, until);
      this.replaced.set(between, { from, until });
    }
  }

  private unseen({ generation }: T, from: number): void {
    this.unseenRequests += 1;
    if (generation === this.newest.generation && !this.perhapsReplaced.has(generation)) {
      this.perhapsReplaced.set(generation, from);
      return;
    }
    // It may have repeated a lost answer, or found a theft.
    this.isUncertain = true;
    this.isPerhapsEnded = true;
  }

  private refused(
    who: Presenter,
    presented: T,
    { code }: { code: string },
    { until }: Span,
    mustBeCaught: boolean,
    isContested: boolean,
  ): void {
    const isFound = code === 'REFRESH_TOKEN_REUSED' || (isContested && code === 'SESSION_REVOKED');
    if (mustBeCaught) {
      if (!isFound) this.fail(5, `a proven theft was answered ${code}`);
      if (this.hasThief && !this.isTheftConfirmed) {
        this.isTheftConfirmed = true;
        this.tally.theftsConfirmed += 1;
        if (isFound) this.tally.theftsFound += 1;
      }
    }
    const wasEnded = this.endedAt !== null;
    if (code === 'REFRESH_TOKEN_REUSED' || code === 'SESSION_REVOKED') this.endedAt ??= until;
    if (who.isThief || this.hasLeft || wasEnded) return;
    const excuses = [...this.excuses, ...this.excusesNow(presented, until)];
    if (excuses.length === 0) {
      this.tally.forcedLogoutsInside += 1;
      this.fail(this.hasAttempts ? 2 : 3, `an honest client was logged out with ${code}`);
    } else {
      this.tally.forcedLogoutsOutside += 1;
      for (const excuse of excuses) this.excuse(excuse);
      this.tell(until, `(logged out with ${code}, outside of invariants 2 and 3: ${excuses.join('; ')})`);
    }
  }

  /** Preconditions of invariants 2 and 3 that depend on the moment. */
  private *excusesNow({ generation }: T, until: number): Generator<string> {
    const { graceMs, lostResponseWindowMs, toleranceMs } = this.terms;
    // Token times are whole seconds.
    if (until >= this.newest.expiresAt - toleranceMs - 1000) yield 'the session was over';
    const newest = this.newest.generation + this.unseenRequests;
    if (newest - generation > 4) yield 'more than four rotations overtook the request';
    // A waiting request is judged when its turn comes, and nobody sees that answer.
    for (const { generation: waiting, at } of this.unanswered) {
      const fifth = this.firstReplaced.get(waiting + 4);
      const isInTime = this.hasAttempts || (fifth !== undefined && fifth - at <= graceMs + toleranceMs);
      if (newest - waiting > 4 && isInTime) yield 'more than four rotations overtook an unanswered request';
    }
    if (this.hasAttempts) return;
    const replacedAt = this.replacedSince(generation);
    if (replacedAt !== undefined && until - replacedAt > lostResponseWindowMs - toleranceMs)
      yield 'the lost answer was asked for too late';
  }

  /**
   * Invariant 5: a later generation's receipt is recorded or this one was abandoned, and its grace period is
   * certainly over.
   */
  private mustBeCaught({ generation }: T, from: number, until: number): boolean {
    const { graceMs, toleranceMs } = this.terms;
    if (this.hasAttempts || this.isUncertain) return false;
    if (this.endedAt !== null || this.isPerhapsEnded) return false;
    // Token times are whole seconds.
    if (until >= this.newest.expiresAt - toleranceMs - 1000) return false;
    const replaced = this.replaced.get(generation);
    if (!replaced || from - replaced.until <= graceMs + toleranceMs) return false;
    return (
      this.abandoned.has(generation) ||
      this.proven.some(
        (proof) => proof.generation > generation && proof.at <= from && !this.abandoned.has(proof.generation),
      )
    );
  }
}

/** Invariant 4: a thief copied everything that a client with attempts holds, and both continue. */
class TwoHolders {
  private isAtRest: boolean | null = null;
  private readonly givenToOwner = new Set<number>();
  private readonly givenToThief = new Set<number>();
  private readonly shared = new Set<number>();
  /** When each generation that the thief received became worthless. */
  private readonly worthless = new Map<number, number>();
  private runs = 0;
  private isThiefsTurn = false;
  private hasThiefTried = false;
  /** The newest generation that the owner has received since the copy. */
  private received: number | null = null;
  private isOwnerAhead = false;

  constructor(private readonly fail: (what: string) => void) {}

  get end(): 'served' | 'refused' | null {
    if (!this.isAtRest || !this.hasThiefTried) return null;
    return this.runs > 0 ? 'served' : 'refused';
  }

  copied(isAtRest: boolean): void {
    this.isAtRest ??= isAtRest;
  }

  answered(isThief: boolean, generation: number, { until, isDelivered }: Exchange<Token>): void {
    if (this.isAtRest === null) return;
    if (isThief) this.thiefAnswered(generation);
    else this.ownerAnswered(generation, until, isDelivered);
  }

  refused(isThief: boolean): void {
    if (isThief) this.hasThiefTried = true;
  }

  /** @param bound generations worthless before this time must not work */
  used(isThief: boolean, generation: number, bound: number, isRecorded: boolean): void {
    if (!isThief) this.isOwnerAhead ||= isRecorded && generation === this.received;
    else if ((this.worthless.get(generation) ?? bound) < bound)
      this.fail(`(b) the thief uses ${generation}, which the owner's refresh made worthless`);
  }

  private thiefAnswered(generation: number): void {
    this.hasThiefTried = true;
    if (!this.isAtRest && this.givenToOwner.has(generation)) return this.share(generation);
    if (!this.isThiefsTurn) this.runs += 1;
    this.isThiefsTurn = true;
    if (this.runs > (this.isAtRest ? 1 : 2)) this.fail(`(c) the thief is served in run ${this.runs}`);
    this.givenToThief.add(generation);
    if (!this.isAtRest) return;
    if (this.isOwnerAhead) this.fail('(d) the thief is served, after the owner had rotated and used it');
    if (this.givenToOwner.has(generation)) this.fail(`(a) both were given ${generation}`);
  }

  /** Both know an attempt that was outstanding at the copy, so they share the generation it creates. */
  private share(generation: number): void {
    this.shared.add(generation);
    if (this.shared.size > 1) this.fail(`both were given ${[...this.shared].join(' and ')}`);
  }

  private ownerAnswered(generation: number, until: number, isDelivered: boolean): void {
    // Until an answer arrives, the owner and a thief who copied an outstanding attempt know the same.
    if (this.isAtRest || isDelivered) this.isThiefsTurn = false;
    this.givenToOwner.add(generation);
    if (isDelivered) this.received = generation;
    if (!this.isAtRest) return;
    if (this.givenToThief.has(generation)) this.fail(`(a) both were given ${generation}`);
    for (const given of this.givenToThief) if (!this.worthless.has(given)) this.worthless.set(given, until);
  }
}

function describe(result: Result<Token>): string {
  switch (result.kind) {
    case 'answered':
      return `generation ${result.token.generation}`;
    case 'refused':
      return `${result.status} ${result.code}`;
    case 'silent':
      return `no answer (${result.why})`;
    case 'unsent':
      return 'the request was lost';
  }
}
