import { AttemptRecord } from '../rotation-model/attempt-record.js';
import type { ModelAnswer, ModelRequest, ModelSession, ModelToken } from '../rotation-model/model-session.js';
import { COMMON, type Population } from './parameters.js';
import { DAY, type Timeline } from './timeline.js';

export interface Access {
  readonly token: ModelToken;
  readonly isRelay: boolean;
  readonly until: number;
}

interface Tab {
  /** `null` for an old client, which sends no attempts. */
  readonly record: AttemptRecord | null;
  access: Access | null;
  isBusy: boolean;
}

/** What happened to one session. */
export interface Counts {
  requests: number;
  refreshes: number;
  readonly outcomes: Map<string, number>;
}

/** A request that is repeated until it is answered or the sitting ends. */
interface Call {
  readonly tab: Tab;
  tries: number;
  readonly done: () => void;
}

/** A browser with tabs, sittings and faults; it behaves as our client does. */
export class Browser {
  jar: ModelToken;
  isLoggedOut = false;
  readonly counts: Counts = { requests: 0, refreshes: 0, outcomes: new Map() };
  /** Called for every answer to the owner. */
  onAnswer: ((outcome: ModelAnswer['outcome'], isServed: boolean) => void) | null = null;
  servedAt: number | null = null;
  /** Called when an attempt has been stored, before it is sent. */
  onAttempt: (() => void) | null = null;
  readonly record: AttemptRecord;
  /** The state at earlier times, restored by crashes. */
  private history: { readonly at: number; readonly jar: ModelToken; readonly record: AttemptRecord }[] = [];
  private tabs: Tab[] = [];
  private newest: Access | null = null;
  private newestKnown = 0;
  private waiting: (() => void)[] = [];
  private isLocked = false;
  private asleepUntil = 0;
  private sitting = 0;
  private sittingEnds = 0;
  private drawn = 0;

  constructor(
    private readonly time: Timeline,
    private readonly session: ModelSession,
    private readonly population: Population,
    private readonly sendsAttempts: boolean,
  ) {
    this.jar = session.login;
    this.record = this.newRecord();
  }

  get isAtRest(): boolean {
    return this.record.outstanding === null && this.jar.gen === this.newestKnown;
  }

  /** The access token that a thief could copy now. */
  get access(): Access | null {
    return this.newest;
  }

  /** Plans the sittings of this many days. */
  live(days: number): void {
    const { time } = this;
    const midnight = time.now;
    for (let day = 0; day < days; day += 1)
      for (let sitting = 0; sitting < COMMON.sittingsADay; sitting += 1) {
        const start = midnight + day * DAY + ((sitting + time.between(0.1, 0.6)) * DAY) / COMMON.sittingsADay;
        time.at(start, () => this.sit());
      }
  }

  newRecord(): AttemptRecord {
    return new AttemptRecord(() => {
      this.drawn += 1;
      return `owner-${this.drawn}`;
    });
  }

  private sit(): void {
    const { time, population } = this;
    if (this.isLoggedOut || time.now < this.asleepUntil) return;
    this.sitting += 1;
    const { sitting } = this;
    this.sittingEnds = time.now + time.between(...COMMON.sittingMs);
    this.isLocked = false;
    this.waiting = [];
    this.newest = null;
    const count = time.whole(...population.tabs);
    this.tabs = Array.from({ length: count }, (_, index) => this.open(index));
    for (const tab of this.tabs) time.after(time.between(0, COMMON.openingMs), () => this.load(tab, sitting));
    time.after(time.wait(COMMON.pageLoadMs), () => this.browse(sitting));
    if (time.chance(population.crash)) {
      this.sittingEnds = time.between(time.now, this.sittingEnds);
      time.at(this.sittingEnds, () => this.crash());
    }
  }

  private open(index: number): Tab {
    const { time, population } = this;
    const isOld = !this.sendsAttempts || (index > 0 && time.chance(population.old));
    const isApart = index > 0 && time.chance(population.apart);
    const shared = isApart ? this.newRecord() : this.record;
    return { record: isOld ? null : shared, access: null, isBusy: false };
  }

  private isOver(sitting: number): boolean {
    return this.isLoggedOut || sitting !== this.sitting || this.time.now > this.sittingEnds;
  }

  private browse(sitting: number): void {
    const { time } = this;
    if (this.isOver(sitting)) return;
    const tab = this.tabs[time.whole(0, this.tabs.length - 1)];
    if (tab && time.now >= this.asleepUntil) this.load(tab, sitting);
    time.after(time.wait(COMMON.pageLoadMs), () => this.browse(sitting));
  }

  /** A page load forgets the access token. */
  private load(tab: Tab, sitting: number): void {
    if (this.isOver(sitting)) return;
    tab.access = null;
    if (this.population.rendered !== 'never') this.render();
    this.refresh(tab, sitting);
  }

  /** The server that renders the page refreshes with the browser's cookie. */
  private render(): void {
    const { time, population } = this;
    const attempt = this.sendsAttempts && population.rendered === 'with attempts' ? this.draw() : null;
    const request: ModelRequest = { token: this.jar, attempt, ip: '198.51.100.1', isRelay: true };
    const answer = this.ask(request);
    if (!answer.token) return;
    this.counts.refreshes += 1;
    this.session.use({ token: answer.token, isRelay: true }, time.now);
    if (!time.chance(population.undelivered)) this.store(answer.token);
  }

  private refresh(tab: Tab, sitting: number): void {
    if (tab.isBusy) return;
    tab.isBusy = true;
    const done = () => {
      tab.isBusy = false;
      this.isLocked = false;
      this.waiting.shift()?.();
    };
    const start = () => {
      this.isLocked = this.population.hasLocks;
      if (this.isOver(sitting) || this.takes(tab)) return done();
      this.send({ tab, tries: 0, done }, sitting);
    };
    if (this.population.hasLocks && this.isLocked) this.waiting.push(start);
    else start();
  }

  /** Whether the tab takes the access token that another tab received and broadcast. */
  private takes(tab: Tab): boolean {
    const { newest } = this;
    if (!this.population.hasChannel || !newest || newest === tab.access) return false;
    const isFresh = newest.until - COMMON.accessTtlMs > this.time.now - COMMON.openingMs;
    if (isFresh) tab.access = newest;
    return isFresh;
  }

  private send(call: Call, sitting: number): void {
    const { time, population } = this;
    if (this.isOver(sitting)) return call.done();
    if (time.now < this.asleepUntil) return time.at(this.asleepUntil, () => this.send(call, sitting));
    const { record } = call.tab;
    if (record && time.chance(population.evicted)) record.forget();
    const marks = record?.begin() ?? { attempt: null, previous: null };
    this.onAttempt?.();
    const request: ModelRequest = { token: this.jar, ...marks, ip: this.ip() };
    const sentAt = time.now;
    const isLid = time.chance(population.lid);
    if (isLid) this.closeLid();
    const isWaiting = time.chance(population.frozen);
    const there = this.latency() + (isWaiting ? time.between(...COMMON.frozenMs) : 0);
    let isSettled = false;
    const giveUp = () => {
      if (isSettled) return;
      isSettled = true;
      const pause = COMMON.retryMs[Math.min(call.tries, COMMON.retryMs.length - 1)] ?? 0;
      this.again(call, sitting, pause);
    };
    time.after(COMMON.timeoutMs, giveUp);
    if (time.chance(population.requestLost)) return;
    time.after(there, () => {
      const isGone = time.now - sentAt > COMMON.timeoutMs;
      const answer = this.ask({
        ...request,
        hasHungUp: isGone && time.chance(population.hangUpSeen),
        // Half of the waiting requests are in a suspended process, which notices the suspension.
        isAfterStandstill: isWaiting && time.chance(0.5),
      });
      if (isLid || time.chance(population.answerLost)) return;
      time.after(this.latency(), () => {
        if (isSettled || time.now - sentAt > COMMON.timeoutMs) return;
        isSettled = true;
        this.receive(call, sitting, marks.attempt, answer);
      });
    });
  }

  private receive(call: Call, sitting: number, attempt: string | null, answer: ModelAnswer): void {
    const { tab, done } = call;
    const { outcome } = answer;
    if (outcome === 'superseded') {
      tab.record?.superseded(attempt);
      return this.again(call, sitting, 0);
    }
    if (outcome === 'contested') return this.again(call, sitting, COMMON.contestedRetryMs);
    if (outcome === 'postponed' || outcome === 'dropped')
      return this.again(call, sitting, COMMON.busyRetryMs);
    if (answer.token) this.accept(tab, sitting, attempt, answer);
    else this.isLoggedOut = true;
    done();
  }

  private accept(tab: Tab, sitting: number, attempt: string | null, answer: ModelAnswer): void {
    const { time } = this;
    if (!answer.token) return;
    this.counts.refreshes += 1;
    const known = this.knownTo(tab);
    this.store(answer.token);
    tab.record?.answered(attempt, answer.token.gen);
    const access = { token: answer.token, isRelay: answer.isRelay, until: time.now + COMMON.accessTtlMs };
    tab.access = access;
    this.newest = access;
    this.session.use(answer, time.now);
    time.after(COMMON.accessTtlMs - COMMON.refreshAheadMs, () => {
      if (tab.access === access && !this.isOver(sitting)) this.refresh(tab, sitting);
    });
    // An older answer than the newest known one has restored an older cookie.
    if (answer.token.gen < known) time.after(0, () => !this.isOver(sitting) && this.refresh(tab, sitting));
  }

  /** The newest generation that the tab knows, from the channel or the shared record. */
  private knownTo(tab: Tab): number {
    if (this.population.hasChannel) return this.newestKnown;
    return Math.max(tab.record?.generation ?? -1, tab.access?.token.gen ?? -1);
  }

  private store(token: ModelToken): void {
    const { time } = this;
    this.jar = token;
    this.newestKnown = Math.max(this.newestKnown, token.gen);
    if (this.population.crash === 0) return;
    this.history.push({ at: time.now, jar: token, record: this.record.copy() });
    this.history = this.history.slice(-16);
  }

  private crash(): void {
    const { time, population } = this;
    const kept = this.history.findLast(({ at }) => at <= time.now - COMMON.crashLosesMs);
    if (!kept) return;
    this.jar = kept.jar;
    if (population.crashLosesRecord) this.record.become(kept.record);
    this.history = [kept];
  }

  private again(call: Call, sitting: number, pause: number): void {
    call.tries += 1;
    this.time.after(pause, () => this.send(call, sitting));
  }

  private ask(request: ModelRequest): ModelAnswer {
    const { time, population, counts } = this;
    const skew = time.chance(population.lateClock) ? -time.between(...COMMON.lateMs) : 0;
    const answer = this.session.refresh(request, time.now, skew);
    counts.requests += 1;
    counts.outcomes.set(answer.outcome, (counts.outcomes.get(answer.outcome) ?? 0) + 1);
    if (answer.token) this.servedAt = time.now;
    this.onAnswer?.(answer.outcome, answer.token !== null);
    return answer;
  }

  private closeLid(): void {
    const { time } = this;
    const length = time.chance(0.2) ? COMMON.weekendMs : time.between(...COMMON.sleepMs);
    this.asleepUntil = time.now + length;
    // The sitting continues when the lid is opened.
    this.sittingEnds = this.asleepUntil + time.between(...COMMON.sittingMs);
  }

  private latency(): number {
    const { time, population } = this;
    return time.chance(population.slow) ? time.between(...COMMON.slowMs) : time.between(...COMMON.latencyMs);
  }

  private ip(): string {
    return `192.0.${this.time.whole(1, this.population.networks)}.1`;
  }

  private draw(): string {
    this.drawn += 1;
    return `renderer-${this.drawn}`;
  }
}
