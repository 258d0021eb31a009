import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { bench as audit } from './audit.bench.js';
import type { Bench, BenchContext, Row } from './bench.js';
import { bench as growth } from './growth.bench.js';
import { bench as guard } from './guard.bench.js';
import { openDatabase } from './host/database.js';
import { withHostProcess } from './host/measured-host.js';
import { bench as refresh } from './refresh.bench.js';
import { describeMachine } from './report/machine.js';
import { toMarkdown } from './report/markdown.js';
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
  audit,
  securityReport,
  roundTrips,
  storm,
  revocation,
  storage,
  growth,
];
/** A run that takes longer has gone wrong. */
const DEADLINE_MS = 15 * 60_000;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});

function chosen(): readonly Bench[] {
  const names = BENCHES.map(({ name }) => name);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`no such figure: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  if (flags.write && (positionals.length > 0 || flags.quick))
    throw new Error('--write needs every figure of a full run');
  return positionals.length === 0 ? BENCHES : BENCHES.filter(({ name }) => positionals.includes(name));
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

setTimeout(() => {
  process.stderr.write('the bench did not end in time\n');
  // The other processes end with this one.
  process.exit(1);
}, DEADLINE_MS).unref();

const report = await measure(chosen());
if (flags.write) {
  const readme = new URL('bench/README.md', import.meta.resolve('nestjs-silent-auth/package.json'));
  const options = await resolveConfig(readme);
  writeFileSync(readme, await format(toMarkdown(report, BENCHES), { ...options, parser: 'markdown' }));
}
process.stdout.write(`${flags.json ? JSON.stringify(report, null, 2) : toText(report)}\n`);
