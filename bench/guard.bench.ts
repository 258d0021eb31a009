import { type Bench, type BenchContext, eachAdapter, type Row, row } from './bench.js';
import type { Adapter } from './host/host-app.js';
import type { Contender } from './load/closed-loop.js';
import { Contest, warmUp } from './load/contest.js';
import { HttpClient } from './load/http.js';
import { RawGet } from './load/raw-get.js';
import { SessionClient } from './load/session-client.js';

type Route = 'open' | 'empty guard' | 'header guard' | 'guarded' | 'key object' | 'string secret';

const CONNECTIONS = 32;

export const bench: Bench = {
  name: 'guard',
  meaning:
    'requests of a guarded route per second of the processor time that the application uses ÷ the same route unguarded, the same headers on both. The plain rate depends more on what else runs on the machine than on the guard',
  run: (context) => eachAdapter((adapter) => measure(adapter, context)),
};

async function measure(adapter: Adapter, { quick, withHost }: BenchContext): Promise<Row[]> {
  return withHost({ adapter, database: 'guard' }, async (host) => {
    const http = new HttpClient(host.origin, { connections: CONNECTIONS });
    const clients = await SessionClient.registerMany(http, CONNECTIONS);
    // An empty list of revocations would be searched faster than one in use.
    await (await SessionClient.register(http)).logout();
    await http.close();
    const connections: RawGet[] = [];
    const route = async (path: string): Promise<Contender> => {
      const gets = await Promise.all(
        clients.map(({ bearerHeader }) => RawGet.open(host.origin, path, bearerHeader)),
      );
      connections.push(...gets);
      return { host, lanes: gets.map((get) => () => get.send()) };
    };
    const contenders: Record<Route, Contender> = {
      open: await route('/orders/open'),
      'empty guard': await route('/orders/empty-guard'),
      'header guard': await route('/orders/header-guard'),
      guarded: await route('/orders/guarded'),
      'key object': await route('/orders/textbook/key-object'),
      'string secret': await route('/orders/textbook/string-secret'),
    };
    const contest = await Contest.hold(contenders, {
      rounds: quick ? 1 : 25,
      roundMs: quick ? 100 : 150,
      beforehand: warmUp(quick),
    });
    for (const get of connections) get.close();

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
      figure('empty guard', 'a guard that checks nothing: the cost of Nest itself', null),
      figure('header guard', 'a guard that reads one header: the minimum for any that authenticates', null),
      figure('key object', 'textbook passport-jwt guard, key object', null),
      figure('string secret', 'textbook passport-jwt guard, string secret', null),
    ];
  });
}
