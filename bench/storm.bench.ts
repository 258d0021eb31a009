import { type Bench, type BenchContext, eachAdapter, type Row, row } from './bench.js';
import { crowdId, crowdToken } from './host/crowd.js';
import type { Adapter } from './host/host-app.js';
import type { MeasuredHost } from './host/measured-host.js';
import { type Answer, HttpClient } from './load/http.js';
import { type Paced, sendAtPace } from './load/paced.js';
import { loginCall, SessionClient } from './load/session-client.js';
import { median, percentile } from './load/statistics.js';

const REFRESHES_PER_SECOND = 100;
/** One core hashes about five passwords a second at this cost. */
const LOGINS_PER_SECOND = 50;
const BCRYPT_COST = 12;
/** Lower than the default, so that the queue empties soon. */
const HASH_QUEUE_LIMIT = 20;
const SESSIONS = 200;

export const bench: Bench = {
  name: 'storm',
  meaning: `p99 of refreshes at ${REFRESHES_PER_SECOND}/s while ${LOGINS_PER_SECOND} logins/s arrive (bcrypt cost ${BCRYPT_COST}: far more than can be hashed) ÷ without; measured from when a refresh was due`,
  run: (context) => eachAdapter((adapter) => measure(adapter, context)),
};

async function measure(adapter: Adapter, { quick, withHost }: BenchContext): Promise<Row[]> {
  const config = { adapter, database: 'storm', bcryptCost: BCRYPT_COST, hashQueueLimit: HASH_QUEUE_LIMIT };
  return withHost(config, async (host) => {
    const refreshing = new HttpClient(host.origin, { connections: 64 });
    const loggingIn = new HttpClient(host.origin, { connections: 256 });
    const known = await SessionClient.register(refreshing);
    const clients = await manySessions(host, known, quick ? 20 : SESSIONS);
    const ms = quick ? 300 : 5_000;

    const refresh = () =>
      sendAtPace({ perSecond: REFRESHES_PER_SECOND, ms }, (n) => clients[n % clients.length]!.refresh());
    // For known and unknown accounts: both are hashed.
    const login = () =>
      sendAtPace({ perSecond: LOGINS_PER_SECOND, ms }, (n) =>
        loggingIn.send(
          n % 2 === 0 ? known.wrongLogin() : loginCall(`nobody-${n}@example.com`, 'any-Password-at-all'),
        ),
      );

    await refresh();
    const quiet: Paced<unknown>[][] = [];
    const stormy: Paced<unknown>[][] = [];
    const logins: Paced<Answer>[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round += 1) {
      quiet.push(await refresh());
      const flood = login();
      stormy.push(await refresh());
      logins.push(...(await flood));
    }
    await Promise.all([refreshing.close(), loggingIn.close()]);
    return rows(adapter, { quiet, stormy, logins });
  });
}

/** Copies of a session: logging in one by one would take too long at this cost of hashing. */
async function manySessions(
  host: MeasuredHost,
  original: SessionClient,
  count: number,
): Promise<SessionClient[]> {
  await host.fill(original.sessionId, count);
  return Array.from({ length: count }, (_, n) =>
    original.with(crowdId('session', n), crowdToken(original.refreshToken, n, host.keys.refresh)),
  );
}

interface Observed {
  readonly quiet: readonly Paced<unknown>[][];
  readonly stormy: readonly Paced<unknown>[][];
  readonly logins: readonly Paced<Answer>[];
}

function rows(adapter: Adapter, { quiet, stormy, logins }: Observed): Row[] {
  const figure = (fields: Pick<Row, 'figure' | 'measured' | 'unit' | 'goal' | 'details'>) =>
    row({ bench: bench.name, ...fields, figure: `${fields.figure}, ${adapter}` });
  const without = median(quiet.map(p99));
  const during = median(stormy.map(p99));
  const refreshes = stormy.flat();
  const explained = logins.filter(({ answer }) => isExplained(answer));
  return [
    figure({
      figure: 'p99 of refreshes',
      measured: during / without,
      unit: '×',
      goal: { atMost: 3 },
      details: `${during.toFixed(1)} ms during, ${without.toFixed(1)} ms without`,
    }),
    figure({
      figure: 'refreshes that failed',
      measured: refreshes.filter(({ answer }) => answer === null).length,
      unit: `of ${refreshes.length}`,
      goal: { atMost: 0 },
      details: '',
    }),
    figure({
      figure: 'logins answered with neither 401 nor 503 with Retry-After',
      measured: logins.length - explained.length,
      unit: `of ${logins.length}`,
      goal: { atMost: 0 },
      details: countsByStatus(logins),
    }),
    figure({
      figure: 'longest wait of a login',
      measured: Math.max(...logins.map(({ latencyMs }) => latencyMs)) / 1000,
      unit: 's',
      goal: null,
      details: `a queue of ${HASH_QUEUE_LIMIT}`,
    }),
  ];
}

function isExplained(answer: Answer | null): boolean {
  return answer?.status === 401 || (answer?.status === 503 && answer.headers['retry-after'] !== undefined);
}

function countsByStatus(paced: readonly Paced<Answer>[]): string {
  const counts = new Map<string, number>();
  for (const { answer } of paced) {
    const status = String(answer?.status ?? 'no answer');
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return [...counts].map(([status, count]) => `${status}: ${count}`).join(', ');
}

function p99(paced: readonly Paced<unknown>[]): number {
  return percentile(
    paced.map(({ latencyMs }) => latencyMs),
    99,
  );
}
