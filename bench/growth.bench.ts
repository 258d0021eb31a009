import { type Bench, type BenchContext, row } from './bench.js';
import { crowdId, crowdToken } from './host/crowd.js';
import type { MeasuredHost } from './host/measured-host.js';
import type { Contender } from './load/closed-loop.js';
import { Contest, warmUp } from './load/contest.js';
import { HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';

const LANES = 32;
const FEW = 10_000;
const MANY = 100_000;
const MANY_ON_A_REAL_SERVER = 1_000_000;

export const bench: Bench = {
  name: 'growth',
  meaning: 'refreshes per second of random sessions among many ÷ among 10,000',
  async run({ quick, isDatabaseGiven, withHosts }: BenchContext) {
    const few = quick ? 1_000 : FEW;
    const many = quick ? 2_000 : isDatabaseGiven ? MANY_ON_A_REAL_SERVER : MANY;
    const configs = [
      { adapter: 'express', database: 'growth_few' },
      { adapter: 'express', database: 'growth_many' },
    ] as const;
    return withHosts(configs, async ([fewHost, manyHost]) => {
      const small = await Crowd.fill(fewHost!, few);
      const large = await Crowd.fill(manyHost!, many);
      const contest = await Contest.hold(
        { few: small.contender, many: large.contender },
        { rounds: quick ? 1 : 21, roundMs: quick ? 100 : 250, beforehand: warmUp(quick) },
      );
      await Promise.all([small.close(), large.close()]);
      return [
        row({
          bench: bench.name,
          figure: `${many.toLocaleString('en')} sessions ÷ ${few.toLocaleString('en')}`,
          measured: contest.ratio('many', 'few'),
          unit: '×',
          goal: { atLeast: 0.8 },
          details: contest.describe('many', 'few'),
        }),
      ];
    });
  },
};

/** Many sessions in a database, any of which may refresh next. */
class Crowd {
  private readonly clients = new Map<number, SessionClient>();

  private constructor(
    private readonly host: MeasuredHost,
    private readonly http: HttpClient,
    private readonly original: SessionClient,
    private readonly size: number,
  ) {}

  static async fill(host: MeasuredHost, size: number): Promise<Crowd> {
    const http = new HttpClient(host.origin, { connections: LANES });
    const original = await SessionClient.register(http);
    await host.fill(original.sessionId, size);
    return new Crowd(host, http, original, size);
  }

  get contender(): Contender {
    // Each lane has its own sessions, so that no session is refreshed twice at once.
    const lane = (first: number) => () => {
      const n = first + LANES * Math.floor(Math.random() * Math.floor(this.size / LANES));
      return this.client(n).refresh();
    };
    return { host: this.host, lanes: Array.from({ length: LANES }, (_, first) => lane(first)) };
  }

  close(): Promise<void> {
    return this.http.close();
  }

  private client(n: number): SessionClient {
    const known = this.clients.get(n);
    if (known) return known;
    const token = crowdToken(this.original.refreshToken, n, this.host.keys.refresh);
    const client = this.original.with(crowdId('session', n), token);
    this.clients.set(n, client);
    return client;
  }
}
