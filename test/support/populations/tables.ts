import { firstRule } from '../rotation-model/first-rule.js';
import { COMMON, OWNERS, type Population, POPULATIONS } from './parameters.js';
import { livePopulation, type PopulationReport, robPopulation, type Settings } from './simulate.js';
import { THIEF_KINDS, type ThiefKind, type ThiefReport } from './thief.js';
import { DAY, HOUR, MINUTE } from './timeline.js';

export type Row = readonly string[];

/** A Markdown table, aligned so that it is readable in a terminal. */
export function toMarkdown([head = [], ...body]: readonly Row[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((row) => row[column]?.length ?? 0)));
  const line = (row: Row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

const HONEST_HEAD: Row = [
  'population',
  'refreshes',
  'forced logouts, attempts',
  'without attempts',
  'first rule',
  'extra round trips, attempts',
  'healed',
  'superseded',
  'contested',
  'displaced',
];

/** Forced logouts of honest sessions. */
export function honestTable(settings: Settings, onPopulation: (line: string) => void): Row[] {
  const rows: Row[] = [HONEST_HEAD];
  for (const population of POPULATIONS) {
    const attempts = livePopulation(population, true, settings);
    const none = livePopulation(population, false, settings);
    const first = livePopulation(population, false, { ...settings, rule: firstRule });
    const seen = (outcome: string) => String(attempts.outcomes[outcome] ?? 0);
    rows.push([
      population.name,
      String(attempts.refreshes),
      ...[attempts, none, first].map(logouts),
      attempts.extraRoundTrips.toFixed(3),
      ...['healed', 'superseded', 'contested', 'displaced'].map(seen),
    ]);
    onPopulation(population.name);
  }
  return rows;
}

function logouts({ forcedLogouts, beyondMemory }: PopulationReport): string {
  return beyondMemory === 0 ? String(forcedLogouts) : `${forcedLogouts} (${beyondMemory})`;
}

const THIEF_HEAD: Row = [
  'thief',
  'client',
  'thieves',
  'found',
  'thrown out',
  'shut out',
  'unseen',
  'reported',
  'calls (mean)',
  'with the copied access token',
  'after the owner’s next refresh',
  'generations to the end, p50',
  'p95',
];

/** What happened to thieves, and what they got. */
export function thiefTable(settings: Settings, onPopulation: (line: string) => void): Row[] {
  const rows: Row[] = [THIEF_HEAD];
  for (const kind of THIEF_KINDS) {
    rows.push(thiefRow(kind, 'with attempts', robPopulation(kind, true, settings)));
    // Without attempts there is nothing else to copy.
    if (kind.copies === 'token' && kind.manner !== 'behind, again') {
      rows.push(thiefRow(kind, 'without attempts', robPopulation(kind, false, settings)));
      const first = robPopulation(kind, false, { ...settings, rule: firstRule });
      rows.push(thiefRow(kind, 'first rule', first));
    }
    onPopulation(kind.name);
  }
  return rows;
}

function thiefRow({ name }: ThiefKind, client: string, reports: readonly ThiefReport[]): Row {
  const share = (of: (report: ThiefReport) => boolean) => percent(reports.filter(of).length, reports.length);
  const mean = (of: (report: ThiefReport) => number) =>
    (reports.reduce((sum, report) => sum + of(report), 0) / Math.max(1, reports.length)).toFixed(1);
  const generations = reports.flatMap((report) => report.generations ?? []).sort((a, b) => a - b);
  const quantile = (part: number) => String(generations[Math.floor(part * generations.length)] ?? '–');
  return [
    name,
    client,
    String(reports.length),
    ...(['found', 'thrown out', 'shut out', 'unseen'] as const).map((end) =>
      share(({ outcome }) => outcome === end),
    ),
    share(({ isReported }) => isReported),
    mean(({ calls }) => calls),
    mean(({ copiedCalls }) => copiedCalls),
    mean(({ callsAfter }) => callsAfter),
    quantile(0.5),
    quantile(0.95),
  ];
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;
}

const COMMON_LABELS: Readonly<Record<keyof typeof COMMON, string>> = {
  graceMs: 'grace period',
  idleTtlMs: 'idle life of a session, and window for lost responses',
  accessTtlMs: 'life of an access token',
  refreshAheadMs: 'a tab refreshes this long before it ends',
  timeoutMs: 'a client gives a request up after',
  sittingsADay: 'sittings a day',
  sittingMs: 'length of a sitting',
  pageLoadMs: 'a page is loaded every, on average',
  openingMs: 'the tabs of a sitting open within',
  latencyMs: 'time of a request or an answer on its way',
  slowMs: 'the same, of a slow one',
  sleepMs: 'a closed lid stays closed for',
  weekendMs: 'one in five stays closed for',
  crashLosesMs: 'a crash loses what was stored within the last',
  frozenMs: 'a request waits in a process or accept queue for',
  lateMs: 'a clock that stood still is late by',
  retryMs: 'pauses between tries of a client',
  contestedRetryMs: 'pause after `REFRESH_CONTESTED`',
  busyRetryMs: 'pause after 503',
};

const USUAL_LABELS: Readonly<Record<Exclude<keyof Population, 'name'>, string>> = {
  tabs: 'tabs, from and to',
  hasLocks: 'Web Locks',
  hasChannel: 'BroadcastChannel',
  answerLost: 'answers lost',
  requestLost: 'requests lost',
  slow: 'slow requests, slow answers',
  lid: 'the lid is closed upon a refresh',
  crash: 'sittings that end with a crash',
  crashLosesRecord: 'a crash loses the record of attempts, too',
  rendered: 'pages rendered by a server that refreshes',
  undelivered: 'rendered pages not delivered',
  networks: 'networks of the client',
  evicted: 'requests before which the record is lost',
  frozen: 'requests that wait (half of them in a process that notices that it stood still)',
  hangUpSeen: 'hang-ups seen',
  lateClock: 'requests at an instance whose clock stood still',
  apart: 'tabs, beside the first, with a record of their own',
  old: 'tabs, beside the first, that send no attempts',
};

/** The parameters of the populations. */
export function parameterTable(): Row[] {
  const [usual] = OWNERS;
  return [
    ['parameter', 'value'],
    ...entries(COMMON_LABELS).map(([name, label]): Row => [label, spell(name, COMMON[name])]),
    ...entries(USUAL_LABELS).map(([name, label]): Row => [
      `${label}, unless the population says otherwise`,
      spell(name, usual[name]),
    ]),
  ];
}

function entries<Name extends string>(labels: Readonly<Record<Name, string>>) {
  return Object.entries(labels) as [Name, string][];
}

function spell(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => spell(name, each)).join(', ');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (!name.endsWith('Ms')) return String(value);
  const ms = Number(value);
  if (ms % DAY === 0) return `${ms / DAY} d`;
  if (ms % HOUR === 0) return `${ms / HOUR} h`;
  if (ms % MINUTE === 0) return `${ms / MINUTE} min`;
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
