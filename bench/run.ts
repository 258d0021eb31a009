import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { bench as audit } from './audit.bench.js';
import type { Bench, BenchContext, Row } from './bench.js';
import { bench as growth } from './growth.bench.js';
import { bench as guard } from './guard.bench.js';
import { openDatabase } from './host/database.js';
import { withHostProcess } from './host/measured-host.js';
import { bench as peerScenarios } from './peer-scenarios.bench.js';
import { bench as peers } from './peers.bench.js';
import { chosenPeers } from './peers/catalogue.js';
import { bench as proof } from './proof.bench.js';
import { bench as refresh } from './refresh.bench.js';
import { describeMachine } from './report/machine.js';
import { toMarkdown, toPeersMarkdown } from './report/markdown.js';
import type { Report } from './report/report.js';
import { toText } from './report/text.js';
import { bench as revocation } from './revocation.bench.js';
import { bench as roundTrips } from './round-trips.bench.js';
import { bench as securityReport } from './security-report.bench.js';
import { bench as storage } from './storage.bench.js';
import { bench as storm } from './storm.bench.js';
import { bench as textbook } from './textbook.bench.js';

const BENCHES: readonly Bench[] = [
  guard,
  refresh,
  textbook,
  proof,
  audit,
  securityReport,
  roundTrips,
  storm,
  revocation,
  storage,
  growth,
];
/** Only by name: they install other people's servers. */
const ON_REQUEST: readonly Bench[] = [peers, peerScenarios];
/** A run that takes longer has gone wrong. */
const DEADLINE_MS = 30 * 60_000;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true, default: [] },
    profile: { type: 'string' },
  },
});

/** A document that `--write` generates, and the benches that it is made from. */
interface Page {
  readonly path: string;
  readonly benches: readonly Bench[];
  readonly toMarkdown: (report: Report) => string;
}

const README: Page = {
  path: 'bench/README.md',
  benches: BENCHES,
  toMarkdown: (report) => toMarkdown(report, BENCHES),
};
const PEERS: Page = {
  path: 'bench/peers/README.md',
  benches: ON_REQUEST,
  toMarkdown: (report) => toPeersMarkdown(report, ON_REQUEST),
};

function chosen(): readonly Bench[] {
  const all = [...BENCHES, ...ON_REQUEST];
  const names = all.map(({ name }) => name);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`no such figure: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  // Refuses an unknown name before anything starts.
  chosenPeers(flags.peer);
  return positionals.length === 0 ? BENCHES : all.filter(({ name }) => positionals.includes(name));
}

/** @throws if not everything that the document shows was asked for */
function pageOf(benches: readonly Bench[]): Page {
  const page = [README, PEERS].find((each) => each.benches.every((bench) => benches.includes(bench)));
  if (!page || page.benches.length !== benches.length || flags.quick || flags.peer.length > 0)
    throw new Error('--write needs every figure of a full run, or peers and peer-scenarios with every peer');
  return page;
}

async function measure(benches: readonly Bench[]): Promise<Report> {
  const machine = describeMachine();
  const startedAt = performance.now();
  const database = await openDatabase();
  try {
    const newSecret = () => randomBytes(36).toString('base64url');
    const options = {
      uri: database.uri,
      keys: { access: newSecret(), refresh: newSecret() },
      execArgv: flags.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`],
    };
    const withHosts: BenchContext['withHosts'] = (configs, use) => withHostProcess(options, configs, use);
    const context: BenchContext = {
      quick: flags.quick,
      isDatabaseGiven: database.isGiven,
      databaseUri: database.uri,
      peerNames: flags.peer,
      withHosts,
      withHost: (config, use) => withHosts([config], ([host]) => use(host!)),
    };
    const rows: Row[] = [];
    for (const bench of benches) {
      const begunAt = performance.now();
      process.stderr.write(`${bench.name}… `);
      rows.push(...(await bench.run(context)));
      process.stderr.write(`${Math.round((performance.now() - begunAt) / 1000)} s\n`);
    }
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    return { machine, database: database.description, quick: flags.quick, seconds, rows };
  } finally {
    await database.close();
  }
}

// Servers of peers are ended when this process exits, and a signal alone is no exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

setTimeout(() => {
  process.stderr.write('the bench did not end in time\n');
  // The other processes end with this one.
  process.exit(1);
}, DEADLINE_MS).unref();

const benches = chosen();
const page = flags.write ? pageOf(benches) : null;
const report = await measure(benches);
if (page) {
  const file = fileURLToPath(new URL(page.path, import.meta.resolve('nestjs-silent-auth/package.json')));
  const options = await resolveConfig(file);
  writeFileSync(file, await format(page.toMarkdown(report), { ...options, parser: 'markdown' }));
}
process.stdout.write(`${flags.json ? JSON.stringify(report, null, 2) : toText(report)}\n`);
