import { dayOf } from '../core/day.js';
import type { AuthEventName } from '../core/events.js';
import { clientAddress } from '../core/network.js';
import { ReasonNames } from './reason-names.js';
import type { SecurityEvent } from './security-event.js';
import type { DayRecords, DayTops, SecurityEventStore } from './security-event.store.js';
import type { DayCount } from './security-report.js';
import { TopCounter } from './top-counter.js';

/** Events whose sources and targets are counted. */
const FAILURES: ReadonlySet<AuthEventName> = new Set<AuthEventName>(['login.failed', 'login.locked']);
/** A source that causes more than 1/200 of a day's failures is always in the list. */
const TOP_CAPACITY = 200;
/** Lists of earlier days stay here until they are written. */
const MAX_DAYS = 3;

interface Count {
  count: number;
  readonly reasons: Map<string, number>;
}

interface Tops {
  readonly sources: TopCounter;
  readonly targets: TopCounter;
  isChanged: boolean;
}

/**
 * Counts events by day, type and reason, and the sources and targets of failed logins, in bounded memory. It keeps
 * counting even if rows are dropped.
 */
export class DayCounter {
  /** By day and type. */
  private counts = new Map<string, Map<AuthEventName, Count>>();
  private readonly reasons = new ReasonNames();
  private readonly tops = new Map<string, Tops>();

  constructor(
    private readonly store: SecurityEventStore,
    private readonly retentionMs: number,
    /** Names this process. Each process has its own lists, so that a repeated write replaces instead of adding. */
    readonly instance: string,
  ) {}

  add(event: Pick<SecurityEvent, 'at' | 'type' | 'ip' | 'userId' | 'reason'>): void {
    const { at, type, ip, userId, reason } = event;
    const day = dayOf(at);
    this.increase(day, type, 1, reason === undefined ? [] : [[this.reasons.of(type, reason), 1]]);
    if (!FAILURES.has(type)) return;
    const tops = this.topsOf(day);
    tops.isChanged = true;
    tops.sources.add(clientAddress(ip ?? ''));
    if (userId !== undefined) tops.targets.add(userId);
  }

  get isEmpty(): boolean {
    return this.counts.size === 0 && [...this.tops.values()].every(({ isChanged }) => !isChanged);
  }

  /** Writes the changes. After a failure everything is kept; a count may then be written twice, but is never lost. */
  async write(): Promise<void> {
    const increments = this.waitingCounts;
    this.counts = new Map();
    let refused = increments;
    try {
      refused = await this.store.count(increments, this.retentionMs);
    } finally {
      for (const { day, type, count, reasons = {} } of refused)
        this.increase(day, type, count, Object.entries(reasons));
    }
    for (const [day, tops] of this.tops) if (tops.isChanged) await this.writeTops(day, tops);
    const [first] = refused;
    if (first)
      throw new Error(`refused: ${refused.length} of ${increments.length}, as ${first.day} ${first.type}`);
  }

  /** Adds the counts of this process that are not written yet. The input may omit lists of other processes. */
  complete({ counts, tops }: DayRecords, from: string, to: string): DayRecords {
    const isWanted = ({ day }: { day: string }) => from <= day && day <= to;
    const waiting = [...this.tops].filter(([, { isChanged }]) => isChanged);
    const lists = waiting.map(([day, each]) => this.listsOf(day, each)).filter(isWanted);
    // A list of this process replaces the one that it wrote before.
    const isReplaced = ({ day, instance }: DayTops) =>
      instance === this.instance && lists.some((list) => list.day === day);
    return {
      counts: [...counts, ...this.waitingCounts.filter(isWanted)],
      tops: [...tops.filter((list) => !isReplaced(list)), ...lists],
    };
  }

  private get waitingCounts(): readonly DayCount[] {
    return [...this.counts].flatMap(([day, ofDay]) =>
      [...ofDay].map(([type, { count, reasons }]) => ({
        day,
        type,
        count,
        ...(reasons.size > 0 ? { reasons: Object.fromEntries(reasons) } : {}),
      })),
    );
  }

  private listsOf(day: string, { sources, targets }: Tops): DayTops {
    return { day, instance: this.instance, sources: sources.top(), targets: targets.top() };
  }

  private async writeTops(day: string, tops: Tops): Promise<void> {
    const lists = this.listsOf(day, tops);
    tops.isChanged = false;
    try {
      await this.store.keepTops(lists, this.retentionMs);
    } catch (error) {
      tops.isChanged = true;
      throw error;
    }
  }

  private increase(
    day: string,
    type: AuthEventName,
    count: number,
    reasons: readonly (readonly [string, number])[],
  ): void {
    const ofDay = this.counts.get(day) ?? new Map<AuthEventName, Count>();
    if (ofDay.size === 0) this.counts.set(day, ofDay);
    const ofType = ofDay.get(type) ?? { count: 0, reasons: new Map<string, number>() };
    ofDay.set(type, ofType);
    ofType.count += count;
    for (const [reason, times] of reasons)
      ofType.reasons.set(reason, times + (ofType.reasons.get(reason) ?? 0));
  }

  private topsOf(day: string): Tops {
    const known = this.tops.get(day);
    if (known) return known;
    const made = {
      sources: new TopCounter(TOP_CAPACITY),
      targets: new TopCounter(TOP_CAPACITY),
      isChanged: false,
    };
    this.tops.set(day, made);
    const [oldest] = this.tops.keys();
    if (this.tops.size > MAX_DAYS && oldest !== undefined) this.tops.delete(oldest);
    return made;
  }
}
