import { parseArgs } from 'node:util';
import { renderReportPage, securityReportCsv, type SecurityReport } from '../../index.js';
import { explain } from '../explain.js';
import { fetchReport } from './fetch-report.js';
import { readReport } from './read-report.js';
import { ReportRefusedError, type ReportRequest, UsageError } from './report-request.js';
import { reportText } from './report-text.js';
import { plain } from './terminal-text.js';

export const USAGE = `npm run report -- [options]

  --from DAY       the first day (UTC), such as 2026-01-31                [default: 29 days before the last]
  --to DAY         the last day, included                                [default: today]
  --format FORMAT  text, json, csv or html                               [default: text]
  --output FILE    writes it there instead of on the terminal
  --url URL        asks a running service, such as https://auth.example.com, with the access token of an administrator in
                   ACCESS_TOKEN, instead of the database

Without --url run it with the environment of the service (MONGODB_URI, or DATA_DIR); its keys are not needed. It only reads:
nothing is written to the database, and no look is told of in the audit log. A look by --url is told of, as any other.
`;

const FORMATS = ['text', 'json', 'csv', 'html'] as const;
type Format = (typeof FORMATS)[number];
/** Of a file, or of a terminal that does not say. */
const DEFAULT_COLUMNS = 100;

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

/** Where it goes. */
export interface Surroundings {
  /** Of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
  readonly hasColors: boolean;
  readonly write: (path: string, text: string) => void;
}

interface Arguments extends ReportRequest {
  readonly format: Format;
  readonly output: string | undefined;
  readonly url: string | undefined;
}

/** Runs the command: 1 where there is no report, 2 where it was called wrongly. */
export async function runReportCommand(
  argv: string[],
  variables: NodeJS.ProcessEnv,
  surroundings: Surroundings,
): Promise<CommandResult> {
  try {
    if (argv.some((argument) => ['help', '--help', '-h'].includes(argument)))
      return { exitCode: 0, output: USAGE };
    const given = readArguments(argv);
    const report =
      given.url === undefined
        ? await readReport(given, variables)
        : await fetchReport(given, given.url, variables['ACCESS_TOKEN']);
    const text = inFormat(report, given, surroundings);
    if (given.output === undefined) return { exitCode: 0, output: text };
    save(given.output, text, surroundings);
    return { exitCode: 0, output: '' };
  } catch (error) {
    // A service's own words are in these, and it may be anybody.
    if (error instanceof UsageError) return { exitCode: 2, output: `${plain(error.message)}\n\n${USAGE}` };
    return {
      exitCode: 1,
      output: `${error instanceof ReportRefusedError ? plain(error.message) : explain(error)}\n`,
    };
  }
}

function save(path: string, text: string, { write }: Surroundings): void {
  try {
    write(path, text);
  } catch (cause) {
    throw new ReportRefusedError(`The report cannot be written: ${(cause as Error).message}.`, { cause });
  }
}

function inFormat(
  report: SecurityReport,
  { format, output }: Arguments,
  { columns, hasColors }: Surroundings,
): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'csv':
      return securityReportCsv(report);
    case 'html':
      return renderReportPage(report);
    case 'text': {
      const isFile = output !== undefined;
      const width = (isFile ? undefined : columns) ?? DEFAULT_COLUMNS;
      return reportText(report, { width, hasColors: hasColors && !isFile });
    }
  }
}

function readArguments(argv: string[]): Arguments {
  const { from, to, format, output, url } = parse(argv);
  if (!isOneOf(FORMATS, format))
    throw new UsageError(`there is no format '${format}': name one of ${FORMATS.join(', ')}`);
  for (const [name, day] of Object.entries({ from, to }))
    if (day !== undefined && !isDay(day)) throw new UsageError(`--${name} takes a day such as 2026-01-31`);
  if (url !== undefined && !isService(url))
    throw new UsageError('--url takes the URL of the service, such as https://auth.example.com');
  return { from, to, format, output, url };
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        format: { type: 'string', default: 'text' },
        output: { type: 'string' },
        url: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Without a user and his password, which `fetch` would refuse, and print. */
function isService(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

function isDay(text: string): boolean {
  const at = new Date(text);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

function isOneOf<T extends string>(list: readonly T[], text: string): text is T {
  return (list as readonly string[]).includes(text);
}
