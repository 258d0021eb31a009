import { securityReportCsv } from '../../audit/report/report-csv.js';
import { renderReportPage } from '../../audit/report/report-page.js';
import type { SecurityReport } from '../../audit/security-report.js';
import { isDay } from '../../core/day.js';
import {
  asksForHelp,
  type CommandResult,
  isOneOf,
  parseArguments,
  UsageError,
  wrongUsage,
} from '../command-line.js';
import { explain } from '../explain.js';
import { fetchReport } from './fetch-report.js';
import { readReport } from './read-report.js';
import { ReportRefusedError, type ReportRequest } from './report-request.js';
import { reportText } from './report-text.js';
import { plain } from './terminal-text.js';

const USAGE = `silent-auth report [options]

  --from DAY       the first day (UTC), such as 2026-01-31                [default: 29 days before the last]
  --to DAY         the last day, which is included                       [default: today]
  --format FORMAT  text, json, csv or html                               [default: text]
  --output FILE    writes the report to a file instead of the terminal
  --url URL        gets the report from a running service, such as https://auth.example.com, instead of the database; set
                   ACCESS_TOKEN to the access token of an administrator

Without --url it reads the database at MONGODB_URI, or else the embedded database of the reference service in DATA_DIR, even
while the service runs. It writes nothing to the database, so the audit log does not record that the report was read. With
--url, the service records it in the audit log as usual.
`;

const FORMATS = ['text', 'json', 'csv', 'html'] as const;
type Format = (typeof FORMATS)[number];
/** The width of a file, and of a terminal that does not report its own. */
const DEFAULT_COLUMNS = 100;

/** The destination of the report. */
export interface Surroundings {
  /** The width of the terminal; undefined if there is none. */
  readonly columns: number | undefined;
  readonly hasColors: boolean;
  readonly write: (path: string, text: string) => void;
}

interface Arguments extends ReportRequest {
  readonly format: Format;
  readonly output: string | undefined;
  readonly url: string | undefined;
}

/** Exit code 1: there is no report. Exit code 2: the arguments are wrong. */
export async function runReportCommand(
  argv: string[],
  variables: NodeJS.ProcessEnv,
  surroundings: Surroundings,
): Promise<CommandResult> {
  try {
    if (asksForHelp(argv)) return { exitCode: 0, output: USAGE };
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
    // Messages may contain text from a service, which is not trusted.
    if (error instanceof UsageError) return wrongUsage(plain(error.message), USAGE);
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
  const { from, to, format, output, url } = parseArguments({
    args: argv,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      format: { type: 'string', default: 'text' },
      output: { type: 'string' },
      url: { type: 'string' },
    },
  }).values;
  if (!isOneOf(FORMATS, format))
    throw new UsageError(`there is no format '${format}': use one of ${FORMATS.join(', ')}`);
  for (const [name, day] of Object.entries({ from, to }))
    if (day !== undefined && !isDay(day)) throw new UsageError(`--${name} needs a day such as 2026-01-31`);
  if (url !== undefined && !isService(url))
    throw new UsageError('--url needs the URL of the service, such as https://auth.example.com');
  return { from, to, format, output, url };
}

/** Refuses URLs with user and password: `fetch` would reject them and print them. */
function isService(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
