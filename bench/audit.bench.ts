import { type Bench, type BenchContext, eachAdapter, type Row, row } from './bench.js';
import type { Adapter } from './host/host-app.js';
import { Contest, warmUp } from './load/contest.js';
import { HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';

const LANES = 32;
const ROTATIONS_BEFORE = 6;

export const bench: Bench = {
  name: 'audit',
  meaning:
    'refreshes per second with the audit log, each of which gets a row, ÷ without it; two applications in one process',
  run: (context) => eachAdapter((adapter) => measure(adapter, context)),
};

async function measure(adapter: Adapter, { quick, withHosts }: BenchContext): Promise<Row[]> {
  const configs = [true, false].map((audit) => ({ adapter, database: `audit_${audit}`, audit }));
  return withHosts(configs, async ([audited, silent]) => {
    if (!audited || !silent) throw new Error('two hosts were asked for');
    const contenders = await Promise.all(
      [audited, silent].map(async (host) => {
        const http = new HttpClient(host.origin, { connections: LANES });
        const clients = await SessionClient.registerMany(http, LANES);
        for (let turn = 0; turn < ROTATIONS_BEFORE; turn += 1)
          await Promise.all(clients.map((client) => client.refresh()));
        return { host, http, lanes: clients.map((client) => () => client.refresh()) };
      }),
    );
    const [withAudit, without] = contenders;
    if (!withAudit || !without) throw new Error('two hosts were asked for');
    const contest = await Contest.hold(
      { audited: withAudit, silent: without },
      { rounds: quick ? 1 : 21, roundMs: quick ? 100 : 500, beforehand: warmUp(quick) },
    );
    for (const { http } of contenders) await http.close();
    return [
      row({
        bench: bench.name,
        figure: `refresh with ÷ without, ${adapter}`,
        measured: contest.ratio('audited', 'silent'),
        unit: '×',
        goal: { atLeast: 0.9 },
        details: contest.describe('audited', 'silent'),
      }),
    ];
  });
}
