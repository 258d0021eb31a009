import type { Tally } from './tally.js';

/** A refresh token as whoever holds it can read it. Times in milliseconds. */
export interface Token {
  readonly generation: number;
  readonly secret: string;
  readonly expiresAt: number;
  readonly absoluteExpiresAt: number;
  /** Of the access token that came with it, where there is one. */
  readonly accessExpiresAt?: number;
}

/** What went over the wire, whether or not it reached the one who asked. */
export type Result<T extends Token> =
  | { readonly kind: 'answered'; readonly token: T }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** Nobody knows what the server did: it died, the line broke, it said 503. */
  | { readonly kind: 'silent'; readonly why: string }
  /** Surely never reached the server. */
  | { readonly kind: 'unsent' };

export interface Exchange<T extends Token> {
  /** Between these the server worked on it. */
  readonly from: number;
  readonly until: number;
  /** When the one who asked sent it, and when he had the answer or gave up. */
  readonly sentAt: number;
  readonly overAt: number;
  readonly result: Result<T>;
  readonly isDelivered: boolean;
  /** For the reader of a story: the instance, what went wrong. */
  readonly note: string;
}

export interface Presenter {
  readonly name: string;
  readonly isThief: boolean;
}

export interface Terms {
  readonly graceMs: number;
  readonly lostResponseWindowMs: number;
  /** How far the clock of the server may be from that of the witness. */
  readonly toleranceMs: number;
}

interface Span {
  readonly from: number;
  readonly until: number;
}

/**
 * Watches one session from outside and holds what it sees against the seven invariants of rotation. It knows what was
 * sent, what went over the wire and when; it never asks the product what a session's state is, nor decides as it does.
 */
export class Witness<T extends Token> {
  readonly failures: string[] = [];
  private readonly lines: string[] = [];
  private readonly secrets = new Map<number, string>();
  /** Within which span each generation was replaced. */
  private readonly replaced = new Map<number, Span>();
  /** Since when a generation may have been replaced, by a request that nobody saw the answer to. */
  private readonly perhapsReplaced = new Map<number, number>();
  /** Generations whose receipt is on record, and since when. */
  private readonly proven: { generation: number; at: number }[] = [];
  private readonly answered: { generation: number; until: number }[] = [];
  /** What the honest client presented, and when, without an answer. */
  private readonly unanswered: { generation: number; at: number }[] = [];
  private recovered: { generation: number; until: number; isSure: boolean } | null = null;
  private newest: T;
  private endedAt: number | null = null;
  /** A request without an answer may have ended it. */
  private isPerhapsEnded = false;
  private hasLeft = false;
  private hasThief = false;
  private isTheftConfirmed = false;
  /** Preconditions of invariant 2 that do not hold. */
  private readonly excuses = new Set<string>();
  private lastStored = { presented: -1, made: -1 };

  constructor(
    private readonly terms: Terms,
    private readonly tally: Tally,
    login: T,
    private readonly startedAt: number,
  ) {
    this.newest = login;
    this.secrets.set(login.generation, login.secret);
    this.answered.push({ generation: login.generation, until: startedAt });
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

  /** The owner asked for the end of the session; `isCommitted` once that was answered. */
  left(at: number, isCommitted: boolean): void {
    this.hasLeft = true;
    this.isPerhapsEnded = true;
    if (isCommitted) this.endedAt ??= at;
    this.tell(at, `the client logs out${isCommitted ? '' : ', unanswered'}`);
  }

  /** A refresh token was presented. `isContested`: with others at the same time. */
  presented(who: Presenter, presented: T, exchange: Exchange<T>, isContested = false): void {
    const { from, until, result, isDelivered, note } = exchange;
    this.count(exchange);
    if (who.isThief && result.kind !== 'unsent') this.suspect();
    if (!who.isThief) this.checkManners(presented, exchange);
    const mustBeCaught = result.kind !== 'unsent' && this.mustBeCaught(presented, from, until);
    const lost = result.kind === 'answered' && !isDelivered ? ', lost on the way' : '';
    this.tell(from, `${who.name} presents ${presented.generation}${note} → ${describe(result)}${lost}`);
    if (result.kind === 'answered') {
      if (mustBeCaught) this.fail(3, `${presented.generation} was accepted although its theft was proven`);
      this.accepted(presented, result.token, from, until);
    } else if (result.kind === 'refused' && result.status < 500)
      this.refused(who, presented, result, exchange, mustBeCaught, isContested);
    else if (result.kind !== 'unsent') {
      if (!who.isThief) this.unanswered.push({ generation: presented.generation, at: from });
      this.unseen(presented, from, until);
    }
  }

  /** The client keeps an answer. */
  stored(at: number, presented: T, exchange: Exchange<T>): void {
    if (exchange.result.kind !== 'answered') return;
    const made = exchange.result.token.generation;
    if (at - exchange.sentAt > this.terms.graceMs / 2) this.excuse('an answer arrived too late');
    if (this.lastStored.presented > presented.generation && this.lastStored.made > made)
      this.excuse('answers arrived in another order than they were made: no lock was taken');
    this.lastStored = { presented: presented.generation, made };
  }

  /** An access token was used; `isRecorded`: the proof is known to be on record. */
  used(who: Presenter, generation: number, at: number, accepted: boolean, isRecorded: boolean): void {
    if (who.isThief) this.suspect();
    this.tell(at, `${who.name} uses access token ${generation} → ${accepted ? 'accepted' : 'refused'}`);
    if (accepted && isRecorded) this.proven.push({ generation, at });
  }

  /** What the database holds of the session. */
  stores(predecessors: number, recentUses: number, bytes = 0): void {
    if (predecessors > 4 || recentUses > 5 || bytes > 2_500)
      this.fail(7, `${predecessors} predecessors, ${recentUses} uses, ${bytes} bytes`);
  }

  fail(invariant: number, what: string): void {
    this.failures.push(`invariant ${invariant} is broken: ${what}`);
    this.lines.push(`  ^ here invariant ${invariant} broke: ${what}`);
  }

  /** Preconditions of invariant 2 that a single request can break. */
  private checkManners({ generation }: T, { until, sentAt, overAt }: Exchange<T>): void {
    const { graceMs, toleranceMs } = this.terms;
    if (overAt - sentAt > graceMs / 2) this.excuse('an attempt took too long');
    // A request on its way that was overtaken has the grace of its own token, not the later one of a recovery.
    const replacedAt = this.replacedSince(generation);
    if (replacedAt === undefined || this.lastStored.made <= generation) return;
    if (until - replacedAt > graceMs - toleranceMs)
      this.excuse('a request that took no lock was overtaken, its token long replaced');
  }

  private replacedSince(generation: number): number | undefined {
    return this.replaced.get(generation)?.from ?? this.perhapsReplaced.get(generation);
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
    if (this.endedAt !== null && this.endedAt <= from) this.fail(4, 'a session that had ended gave a token');
    const known = this.secrets.get(generation);
    if (known !== undefined && known !== token.secret)
      this.fail(1, `two secrets of generation ${generation}`);
    const floor = Math.max(...this.answered.filter((answer) => answer.until < from).map((a) => a.generation));
    if (generation < floor) this.fail(1, `led to ${generation} when ${floor} was current`);
    const isRotation = generation === this.newest.generation + 1;
    if (generation > this.newest.generation + 1) this.fail(1, `${generation} came out of nothing`);
    const isFromCurrent =
      presented.generation === this.newest.generation || this.perhapsReplaced.has(this.newest.generation);
    if (isRotation && !isFromCurrent) this.fail(1, `${presented.generation} made a branch of its own`);
    if (token.absoluteExpiresAt !== this.newest.absoluteExpiresAt) this.fail(5, 'the absolute expiry moved');
    if (token.expiresAt > token.absoluteExpiresAt) this.fail(5, 'the expiry exceeds the absolute one');
    if (token.accessExpiresAt !== undefined && token.accessExpiresAt > token.expiresAt)
      this.fail(4, 'an access token outlives its session');

    this.noteRecovery(presented, generation, from, until);
    this.secrets.set(generation, token.secret);
    this.answered.push({ generation, until });
    if (generation > 0) {
      // It exists, so somebody held the one before and presented it.
      this.proven.push({ generation: generation - 1, at: until });
      const since = this.perhapsReplaced.get(generation - 1) ?? from;
      if (!this.replaced.has(generation - 1)) this.replaced.set(generation - 1, { from: since, until });
    }
    if (generation >= this.newest.generation) this.newest = token;
  }

  /** Where a lost answer may have been made good: the grace of the presented token begins anew, once. */
  private noteRecovery(presented: T, generation: number, from: number, until: number): void {
    const replaced = this.replaced.get(presented.generation);
    if (!replaced || presented.generation !== generation - 1) return;
    const { graceMs, toleranceMs } = this.terms;
    if (until - replaced.from <= graceMs - toleranceMs) return;
    if (this.recovered?.generation === generation && this.recovered.isSure) return;
    const isSure = from - replaced.until > graceMs + toleranceMs;
    this.recovered = { generation, until, isSure };
  }

  private unseen(presented: T, from: number, until: number): void {
    const { generation } = presented;
    if (generation === this.newest.generation) {
      if (!this.perhapsReplaced.has(generation)) this.perhapsReplaced.set(generation, from);
    } else {
      // It may have recovered an answer, or found a theft.
      const current = generation + 1;
      if (this.recovered?.generation !== current || !this.recovered.isSure)
        this.recovered = { generation: current, until, isSure: false };
      this.isPerhapsEnded = true;
    }
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
      if (!isFound) this.fail(3, `a proven theft was answered ${code}`);
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
      this.fail(2, `an honest client was logged out with ${code}`);
    } else {
      this.tally.forcedLogoutsOutside += 1;
      for (const excuse of excuses) this.excuse(excuse);
      this.tell(until, `(logged out with ${code}, outside of invariant 2: ${excuses.join('; ')})`);
    }
  }

  /** Preconditions of invariant 2 that depend on the moment. */
  private *excusesNow({ generation }: T, until: number): Generator<string> {
    const { graceMs, lostResponseWindowMs, toleranceMs } = this.terms;
    // Dates of tokens are whole seconds.
    if (until >= this.newest.expiresAt - toleranceMs - 1000) yield 'the session was over';
    // It waits somewhere, and is judged when its turn comes: nobody sees that answer.
    for (const { generation: waiting, at } of this.unanswered) {
      const fifth = this.replaced.get(waiting + 4);
      if (fifth && fifth.from - at <= graceMs + toleranceMs)
        yield 'more than four rotations within one grace period overtook an unanswered request';
    }
    if (this.newest.generation - generation > 4) yield 'more than four rotations overtook the request';
    const replacedAt = this.replacedSince(generation);
    if (replacedAt !== undefined && until - replacedAt > lostResponseWindowMs - toleranceMs)
      yield 'the lost answer was asked for too late';
  }

  /** Invariant 3: a later generation's receipt is on record, and the grace of this one is surely over. */
  private mustBeCaught({ generation }: T, from: number, until: number): boolean {
    const { graceMs, toleranceMs } = this.terms;
    if (this.endedAt !== null || this.isPerhapsEnded) return false;
    // Dates of tokens are whole seconds.
    if (until >= this.newest.expiresAt - toleranceMs - 1000) return false;
    if (!this.proven.some((proof) => proof.generation > generation && proof.at <= from)) return false;
    const replaced = this.replaced.get(generation);
    if (!replaced || from - replaced.until <= graceMs + toleranceMs) return false;
    const isRecovered =
      this.recovered?.generation === this.newest.generation && generation === this.newest.generation - 1;
    return !isRecovered || from - (this.recovered?.until ?? 0) > graceMs + toleranceMs;
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
