import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type BenchContext, type Row, row } from './bench.js';
import type { HostConfig } from './host/host-app.js';
import type { MeasuredHost } from './host/measured-host.js';
import { withRedis } from './host/redis-process.js';
import { HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';
import { percentile } from './load/statistics.js';

/** The resolution of the measurement. */
const ASK_EVERY_MS = 2;
const GIVE_UP_MS = 20_000;
const GUARDED = '/orders/guarded';

export const bench: Bench = {
  name: 'revocation',
  meaning:
    'milliseconds from the answer to a logout in one process to the first refusal of its access token in another, on one database; by polling once a second, by a change stream, and by Redis if the machine has it',
  run: async (context) => [
    ...(await measure('polling', { revocations: 'polled' }, 1_500, context)),
    ...(await measure('change stream', {}, 100, context)),
    ...((await withRedis((redisUrl) => measure('Redis', { revocations: { redisUrl } }, 100, context))) ?? []),
  ],
};

async function measure(
  way: string,
  over: Pick<HostConfig, 'revocations'>,
  atMostMs: number,
  { quick, withHost }: BenchContext,
): Promise<Row[]> {
  const config: HostConfig = {
    adapter: 'express',
    database: 'revocation',
    sharedAs: randomBytes(4).toString('hex'),
    ...over,
  };
  const times = await withHost(config, (here) => withHost(config, (there) => logouts(here, there, quick)));
  const figure = (percent: number, goal: Row['goal']) =>
    row({
      bench: bench.name,
      figure: `p${percent}, ${way}`,
      measured: percentile(times, percent),
      unit: 'ms',
      goal,
      details: `${times.length} logouts`,
    });
  return [figure(50, null), figure(99, { atMost: atMostMs })];
}

async function logouts(here: MeasuredHost, there: MeasuredHost, quick: boolean): Promise<number[]> {
  const [leaving, asking] = [here, there].map(({ origin }) => new HttpClient(origin, { connections: 8 }));
  const times: number[] = [];
  for (let batch = 0; batch < (quick ? 1 : 15); batch += 1) {
    const clients = await SessionClient.registerMany(leaving!, quick ? 2 : 8);
    // Started at different times, to be independent of the polls.
    await Promise.all(
      clients.map(async (client) => {
        const headers = client.bearerHeader;
        await asking!.expect({ method: 'GET', path: GUARDED, headers });
        await delay(Math.random() * 1_000);
        await client.logout();
        const from = performance.now();
        while ((await asking!.send({ method: 'GET', path: GUARDED, headers })).status === 200) {
          if (performance.now() - from > GIVE_UP_MS) throw new Error('a revocation never arrived');
          await delay(ASK_EVERY_MS);
        }
        times.push(performance.now() - from);
      }),
    );
  }
  await Promise.all([leaving!.close(), asking!.close()]);
  return times;
}
