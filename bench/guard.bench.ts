import { type Bench, type BenchContext, eachAdapter, type Row, row } from './bench.js';
import type { Adapter } from './host/host-app.js';
import { Contest } from './load/contest.js';
import type { Contender } from './load/closed-loop.js';
import { HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';

type Route = 'open' | 'guarded' | 'key object' | 'string secret';

const CONNECTIONS = 8;
/** Requests under way on each connection: enough that the server never waits for the load. */
const PIPELINING = 8;

export const bench: Bench = {
  name: 'guard',
  meaning:
    'requests per second of processor time of a guarded route ÷ the same route unguarded, the same headers on both; the rate alone would measure the load generator where that is the slower one',
  run: (context) => eachAdapter((adapter) => measure(adapter, context)),
};

async function measure(adapter: Adapter, { quick, withHost }: BenchContext): Promise<Row[]> {
  return withHost({ adapter, database: 'guard' }, async (host) => {
    const http = new HttpClient(host.origin, { connections: CONNECTIONS, pipelining: PIPELINING });
    const clients = await SessionClient.registerMany(http, CONNECTIONS * PIPELINING);
    const route = (path: string): Contender => ({
      host,
      lanes: clients.map((client) => () => client.get(path)),
    });
    const contenders: Record<Route, Contender> = {
      open: route('/orders/open'),
      guarded: route('/orders/guarded'),
      'key object': route('/orders/textbook/key-object'),
      'string secret': route('/orders/textbook/string-secret'),
    };
    const contest = await Contest.hold(contenders, {
      rounds: quick ? 1 : 7,
      roundMs: quick ? 100 : 700,
      warmUpMs: quick ? 100 : 1_000,
    });
    await http.close();

    const figure = (of: Route, name: string, goal: Row['goal']) =>
      row({
        bench: bench.name,
        figure: `${name}, ${adapter}`,
        measured: contest.ratio(of, 'open', 'ratePerCpu'),
        unit: '×',
        goal,
        details: contest.describe(of, 'open'),
      });
    return [
      figure('guarded', 'JwtAuthGuard', { atLeast: 0.95 }),
      figure('key object', 'textbook passport-jwt guard, key object', null),
      figure('string secret', 'textbook passport-jwt guard, string secret', null),
    ];
  });
}
