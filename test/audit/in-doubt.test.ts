import { describe, expect, it } from '@jest/globals';
import type { SecurityEventPage, SecurityEventQuery } from '../../src/audit/audit.service.js';
import { inDoubt } from '../../src/audit/report/in-doubt.js';
import { reportFigures } from '../../src/audit/report/report-figures.js';
import type { SecurityEvent } from '../../src/audit/security-event.js';
import type { DayCount } from '../../src/audit/security-report.js';
import type { AuthEventName } from '../../src/core/events.js';

const PERIOD = { from: '2026-03-01', to: '2026-03-02' };
const REPLAYED = 'refresh_token.replayed';
const RECOVERED = 'refresh_token.recovered';
const HEALED = 'refresh_token.healed';
const REUSED = 'refresh_token.reuse_detected';

/** A history for the audit log: rows, and the counters that its events would have left. */
class History {
  private readonly rows: SecurityEvent[] = [];
  readonly queries: SecurityEventQuery[] = [];

  happened(type: AuthEventName, sessionId: string, over: Partial<SecurityEvent> = {}, times = 1): this {
    for (let time = 0; time < times; time++)
      this.rows.push({
        id: String(this.rows.length),
        at: new Date('2026-03-01T12:00:00Z'),
        type,
        userId: `user of ${sessionId}`,
        sessionId,
        ...over,
      });
    return this;
  }

  get counts(): DayCount[] {
    return this.rows
      .map(({ at, type }) => ({ day: at.toISOString().slice(0, 10), type, count: 1 }))
      .filter(({ day }) => day <= PERIOD.to);
  }

  async events(query: SecurityEventQuery): Promise<SecurityEventPage> {
    this.queries.push(query);
    const { type, userId, from, to, limit } = query;
    const found = this.rows.filter(
      (row) =>
        row.type === type &&
        (userId === undefined || row.userId === userId) &&
        row.at >= (from ?? new Date(0)) &&
        row.at < (to ?? new Date('9999-01-01')),
    );
    const items = found.reverse().slice(0, limit);
    return found.length > limit ? { items, nextCursor: 'more' } : { items };
  }

  async avoided() {
    return reportFigures(this.counts, PERIOD, await inDoubt(this, PERIOD)).falseAlarmsAvoided;
  }
}

describe('the clients that were not logged out', () => {
  it('are those in whose sessions nobody else was found', async () => {
    const history = new History()
      .happened(REPLAYED, 'honest', {}, 3)
      .happened(RECOVERED, 'honest', {}, 2)
      .happened(HEALED, 'honest');
    expect(await history.avoided()).toEqual({ replays: 3, recoveries: 2, healed: 1, isAtMost: false });
  });

  it('are not thieves: nothing counts in a session that ended because of theft', async () => {
    const history = new History()
      .happened(REPLAYED, 'honest')
      .happened(REPLAYED, 'stolen', { ip: '203.0.113.66' }, 4)
      .happened(RECOVERED, 'stolen')
      .happened(HEALED, 'stolen')
      .happened(REUSED, 'stolen');
    expect(await history.avoided()).toEqual({ replays: 1, recoveries: 0, healed: 0, isAtMost: false });
  });

  it("exclude a user's stolen session, and include the others", async () => {
    const owner = { userId: 'ada' };
    const history = new History()
      .happened(RECOVERED, 'phone', owner)
      .happened(RECOVERED, 'laptop', owner)
      .happened(REUSED, 'laptop', owner);
    expect(await history.avoided()).toMatchObject({ recoveries: 1 });
  });

  it('exclude a session that a rule or a displaced client made suspicious', async () => {
    const history = new History()
      .happened(REPLAYED, 'suspected')
      .happened('activity.suspected', 'suspected', { reason: 'one_token_two_networks' })
      .happened(REPLAYED, 'contested')
      .happened('activity.suspected', 'contested', { reason: 'contested_token' })
      .happened(REPLAYED, 'displaced')
      .happened('refresh_token.displaced', 'displaced')
      .happened(REPLAYED, 'elsewhere')
      .happened('activity.suspected', 'elsewhere', { reason: 'new_address_and_browser' });
    expect(await history.avoided()).toMatchObject({ replays: 1, isAtMost: false });
  });

  it('are not thieves either if the theft was found after the period', async () => {
    const history = new History()
      .happened(RECOVERED, 'stolen')
      .happened(REUSED, 'stolen', { at: new Date('2026-03-20T00:00:00Z') });
    expect(await history.avoided()).toMatchObject({ recoveries: 0 });
  });

  it.each([
    ['a user who was deleted since', { userId: undefined, sessionId: undefined }, 1],
    ['more sessions than are examined', {}, 51],
  ])('are reported as an upper limit after %s', async (_, over, sessions) => {
    const history = new History().happened(REPLAYED, 'honest');
    for (let index = 0; index < sessions; index++) history.happened(REUSED, `stolen ${index}`, over);
    expect(await history.avoided()).toMatchObject({ replays: 1, isAtMost: true });
  });

  it('are reported as an upper limit after a flood of replays, only some of which have a row', async () => {
    const history = new History().happened(REPLAYED, 'stolen', {}, 20).happened(REUSED, 'stolen');
    expect(await history.avoided()).toMatchObject({ replays: 0, isAtMost: true });
  });

  it('cost a bounded number of reads, whatever the log contains', async () => {
    const history = new History();
    for (let index = 0; index < 500; index++)
      history.happened(REPLAYED, `stolen ${index}`).happened(REUSED, `stolen ${index}`);
    await history.avoided();
    expect(history.queries.length).toBeLessThanOrEqual(153);
    expect(Math.max(...history.queries.map(({ limit }) => limit))).toBe(200);
  });
});
