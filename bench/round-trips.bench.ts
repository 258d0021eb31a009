import { type Bench, type BenchContext, eachAdapter, type Row, row } from './bench.js';
import type { Command } from './host/command-log.js';
import type { Adapter } from './host/host-app.js';
import { HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';

export const bench: Bench = {
  name: 'round-trips',
  meaning:
    'commands to MongoDB that a request sends, without throttling and the audit log, which writes in the background; the first request with the access token of a new generation confirms it in the background',
  run: (context) => eachAdapter((adapter) => measure(adapter, context)),
};

async function measure(adapter: Adapter, { withHost }: BenchContext): Promise<Row[]> {
  return withHost({ adapter, database: 'round_trips', audit: false, countsCommands: true }, async (host) => {
    const http = new HttpClient(host.origin, { connections: 1 });
    const client = await SessionClient.register(http);
    const figure = (name: string, commands: readonly Command[], atMost: number) =>
      row({
        bench: bench.name,
        figure: `${name}, ${adapter}`,
        measured: commands.length,
        unit: 'commands',
        goal: { atMost },
        details: commands.map(describe).join(', '),
      });
    const rows = [
      figure('login', await host.commandsOf(() => client.login()), 3),
      figure('refresh', await host.commandsOf(() => client.refreshAndTake()), 2),
      figure('guarded request, first of a generation', await host.commandsOf(() => client.get(GUARDED)), 1),
      figure('guarded request', await host.commandsOf(() => client.get(GUARDED)), 0),
    ];
    await http.close();
    return rows;
  });
}

const GUARDED = '/orders/guarded';

function describe({ name, beside }: Command): string {
  return beside > 0 ? `${name} (in parallel)` : name;
}
