import { type Bench, type BenchContext, eachAdapter, type Row, row } from './bench.js';
import type { Adapter } from './host/host-app.js';
import type { Lane } from './load/closed-loop.js';
import { Contest, warmUp } from './load/contest.js';
import { HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';

const LANES = 32;
/** Few, because a lane that waits for bcrypt must not outlast its round by much. */
const BCRYPT_LANES = 4;

export const bench: Bench = {
  name: 'textbook',
  meaning:
    'refreshes per second ÷ the usual design in the same process and database: verify, find, compare, delete, insert, with a string secret; and the same with bcrypt (cost 10) over the token',
  run: (context) => eachAdapter((adapter) => measure(adapter, context)),
};

async function measure(adapter: Adapter, { quick, withHost }: BenchContext): Promise<Row[]> {
  return withHost({ adapter, database: 'textbook' }, async (host) => {
    const http = new HttpClient(host.origin, { connections: LANES });
    const clients = await SessionClient.registerMany(http, LANES);
    const contest = await Contest.hold(
      {
        refresh: { host, lanes: clients.map((client) => () => client.refresh()) },
        'usual design': { host, lanes: await textbookLanes(http, '/textbook', LANES) },
        'usual design with bcrypt': {
          host,
          lanes: await textbookLanes(http, '/textbook/bcrypt', BCRYPT_LANES),
        },
      },
      { rounds: quick ? 1 : 11, roundMs: quick ? 100 : 400, beforehand: warmUp(quick) },
    );
    await http.close();

    const figure = (reference: 'usual design' | 'usual design with bcrypt', goal: Row['goal']) =>
      row({
        bench: bench.name,
        figure: `÷ ${reference}, ${adapter}`,
        measured: contest.ratio('refresh', reference),
        unit: '×',
        goal,
        details: contest.describe('refresh', reference),
      });
    return [figure('usual design', { atLeast: 3 }), figure('usual design with bcrypt', { atLeast: 50 })];
  });
}

/** Clients of the textbook's routes, each with its own token. */
function textbookLanes(http: HttpClient, prefix: string, count: number): Promise<Lane[]> {
  return Promise.all(
    Array.from({ length: count }, async (): Promise<Lane> => {
      let { refreshToken } = await post(http, `${prefix}/login`);
      return async () => {
        ({ refreshToken } = await post(http, `${prefix}/refresh`, { refreshToken }));
      };
    }),
  );
}

async function post(http: HttpClient, path: string, body?: object): Promise<{ refreshToken: string }> {
  return JSON.parse((await http.expect({ method: 'POST', path, body })).text);
}
