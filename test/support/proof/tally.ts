/** What one part of the proof counted. */
export class Tally {
  stories = 0;
  /** Stories whose client sends attempts. */
  withAttempts = 0;
  /** Stories in which every precondition of invariant 2 held to the end. */
  insideInvariant2 = 0;
  refreshes = 0;
  lostAnswers = 0;
  forcedLogoutsInside = 0;
  /**
   * Forced logouts of clients that broke a precondition of invariant 2 (cookies arrived in the wrong order,
   * or a thief was active).
   */
  forcedLogoutsOutside = 0;
  /**
   * Without attempts: sessions with a thief in which an earlier token came back after its grace period, with
   * its successor's receipt recorded.
   */
  theftsConfirmed = 0;
  theftsFound = 0;
  /** With attempts: sessions with a thief who presented what they had copied while no attempt was outstanding. */
  thieves = 0;
  /** How many of these thieves lost the session. */
  thievesFound = 0;
  /** How many of them have no working token any more. */
  thievesThrownOut = 0;
  /** How many of them never got a token. */
  thievesShutOut = 0;
  unavailable = 0;
  otherServerErrors = 0;
  /** Violations of any invariant, each with its story. */
  readonly failures: string[] = [];

  constructor(
    readonly part: string,
    readonly seed: number,
  ) {}
}

const COLUMNS: readonly (readonly [string, (tally: Tally) => number | string])[] = [
  ['part', ({ part }) => part],
  ['seed', ({ seed }) => seed],
  ['stories', ({ stories }) => stories],
  ['with attempts', ({ withAttempts }) => withAttempts],
  ['inside inv. 2', ({ insideInvariant2 }) => insideInvariant2],
  ['refreshes', ({ refreshes }) => refreshes],
  ['lost answers', ({ lostAnswers }) => lostAnswers],
  ['forced logouts inside inv. 2', ({ forcedLogoutsInside }) => forcedLogoutsInside],
  ['outside it', ({ forcedLogoutsOutside }) => forcedLogoutsOutside],
  ['thefts confirmed', ({ theftsConfirmed }) => theftsConfirmed],
  ['thefts found', ({ theftsFound }) => theftsFound],
  ['thieves', ({ thieves }) => thieves],
  ['found', ({ thievesFound }) => thievesFound],
  ['thrown out', ({ thievesThrownOut }) => thievesThrownOut],
  ['shut out', ({ thievesShutOut }) => thievesShutOut],
  ['503', ({ unavailable }) => unavailable],
  ['other 5xx', ({ otherServerErrors }) => otherServerErrors],
  ['invariants broken', ({ failures }) => failures.length],
];

/** A Markdown table, aligned so that it is readable in a terminal. */
export function toTable(tallies: readonly Tally[]): string {
  const rows = [
    COLUMNS.map(([name]) => name),
    ...tallies.map((tally) => COLUMNS.map(([, value]) => String(value(tally)))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
