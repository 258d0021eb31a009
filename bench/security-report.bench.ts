import { type Bench, type BenchContext, row } from './bench.js';
import type { MeasuredHost } from './host/measured-host.js';
import { Contest } from './load/contest.js';
import { HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';

const FEW = 1_000;
const MANY = 1_000_000;

export const bench: Bench = {
  name: 'report',
  meaning:
    'time of the security report over 30 days with a million rows in the audit log, a twentieth of them reuse of tokens, ÷ with a thousand',
  async run({ quick, withHosts }: BenchContext) {
    const many = quick ? 2 * FEW : MANY;
    const configs = [
      { adapter: 'express', database: 'report_few' },
      { adapter: 'express', database: 'report_many' },
    ] as const;
    return withHosts(configs, async ([fewHost, manyHost]) => {
      const small = await Administrator.of(fewHost!, FEW);
      const large = await Administrator.of(manyHost!, many);
      const contest = await Contest.hold(
        { few: small.contender, many: large.contender },
        {
          rounds: quick ? 1 : 31,
          roundMs: quick ? 100 : 500,
          beforehand: { requests: 6_000, ms: quick ? 100 : 2_000 },
        },
      );
      await Promise.all([small.close(), large.close()]);
      return [
        row({
          bench: bench.name,
          figure: `time with ${many.toLocaleString('en')} events ÷ with ${FEW.toLocaleString('en')}`,
          // As many times the rate as the time is shorter.
          measured: contest.ratio('few', 'many'),
          unit: '×',
          goal: { atMost: 1.2 },
          details: contest.describe('few', 'many'),
        }),
      ];
    });
  },
};

/** Requests the report again and again, one request at a time. */
class Administrator {
  private constructor(
    private readonly host: MeasuredHost,
    private readonly http: HttpClient,
    private readonly client: SessionClient,
  ) {}

  static async of(host: MeasuredHost, rows: number): Promise<Administrator> {
    await host.fillAuditLog(rows);
    const http = new HttpClient(host.origin, { connections: 1 });
    const client = await SessionClient.register(http);
    await host.makeAdministrator(client.userId);
    await client.refreshAndTake();
    return new Administrator(host, http, client);
  }

  get contender() {
    return { host: this.host, lanes: [() => this.client.get('/auth/admin/security-report')] };
  }

  close(): Promise<void> {
    return this.http.close();
  }
}
