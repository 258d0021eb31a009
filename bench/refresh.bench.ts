import { type Bench, type BenchContext, eachAdapter, type Row, row } from './bench.js';
import type { Adapter } from './host/host-app.js';
import { Contest, warmUp } from './load/contest.js';
import { HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';

const LANES = 32;
/** Fills the lists of predecessors and recent uses, which are full for most of a session's life. */
const ROTATIONS_BEFORE = 6;

export const bench: Bench = {
  name: 'refresh',
  meaning:
    'refreshes per second ÷ a bare route that does one `findOneAndUpdate` on the same collection, and ÷ a bare route that only sends the same two commands',
  run: (context) => eachAdapter((adapter) => measure(adapter, context)),
};

async function measure(adapter: Adapter, { quick, withHost }: BenchContext): Promise<Row[]> {
  return withHost({ adapter, database: 'refresh' }, async (host) => {
    const http = new HttpClient(host.origin, { connections: LANES });
    const clients = await SessionClient.registerMany(http, LANES);
    const bare = await SessionClient.registerMany(http, LANES);
    for (let turn = 0; turn < ROTATIONS_BEFORE; turn += 1)
      await Promise.all([...clients, ...bare].map((client) => client.refresh()));
    // A bare route does not need the cookie: it is sent so that both parse the same headers.
    const post = (client: SessionClient, path: string) =>
      http.expect({ method: 'POST', path, headers: client.cookieHeader });
    await Promise.all(bare.map((client) => post(client, `/bare/prepare/${client.sessionId}`)));

    const contest = await Contest.hold(
      {
        refresh: { host, lanes: clients.map((client) => () => client.refresh()) },
        'one command': {
          host,
          lanes: bare.map((client) => () => post(client, `/bare/one-command/${client.sessionId}`)),
        },
        'two commands': {
          host,
          lanes: bare.map(
            (client) => () => post(client, `/bare/two-commands/${client.sessionId}/${client.userId}`),
          ),
        },
      },
      { rounds: quick ? 1 : 21, roundMs: quick ? 100 : 250, beforehand: warmUp(quick) },
    );
    await http.close();

    const figure = (reference: 'one command' | 'two commands', goal: Row['goal']) =>
      row({
        bench: bench.name,
        figure: `÷ bare route, ${reference}, ${adapter}`,
        measured: contest.ratio('refresh', reference),
        unit: '×',
        goal,
        details: contest.describe('refresh', reference),
      });
    return [figure('one command', { atLeast: 0.45 }), figure('two commands', { atLeast: 0.7 })];
  });
}
