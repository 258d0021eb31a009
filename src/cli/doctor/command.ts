import type { Finding } from '../../doctor/checks/finding.js';
import { asksForHelp, type CommandResult, parseArguments, UsageError, wrongUsage } from '../command-line.js';
import { reportFindings } from './findings-text.js';

const USAGE = `silent-auth doctor [options]     what is wrong with the database of the library

  --json      findings as JSON
  --strict    exit 1 for warnings, too

It looks at the database at MONGODB_URI: its kind, its clock, and the state of each index. Nothing is written. What the
application sets is examined by the application itself: DoctorService does so at each boot.
Exit code: 0 where nothing is broken, 1 where there is an error (with --strict: or a warning), 2 where it was called
wrongly, or failed itself.
`;

/** Examines the database of an environment. */
export async function runDoctorCommand(
  argv: string[],
  variables: NodeJS.ProcessEnv,
  hasColours: boolean,
): Promise<CommandResult> {
  if (asksForHelp(argv)) return { exitCode: 0, output: USAGE };
  try {
    const { json, strict } = parseArguments({
      args: argv,
      options: {
        json: { type: 'boolean', default: false },
        strict: { type: 'boolean', default: false },
      },
    }).values;
    return reportFindings(await examineDatabase(variables), { json, strict, hasColours });
  } catch (error) {
    if (error instanceof UsageError) return wrongUsage(error.message, USAGE);
    throw error;
  }
}

/** The findings about the database only: the options are not those of the application. */
async function examineDatabase(variables: NodeJS.ProcessEnv): Promise<Finding[]> {
  // Imported only when needed: it loads Nest and the driver.
  const { withLibrary } = await import('../open-database.js');
  const { DatabaseHealth } = await import('../../database/database-health.js');
  const { DoctorService } = await import('../../doctor/doctor.service.js');
  const [findings, collections] = await withLibrary(variables, 'read', {}, (context) =>
    Promise.all([context.get(DoctorService).examine(), context.get(DatabaseHealth).collections()]),
  );
  return findings.filter(({ code, subject }) => {
    if (!code.startsWith('database.')) return false;
    // A collection that is not there belongs to a part that the application does not use, or was never started.
    return !/index|ttl/.test(code) || collections.some((name) => subject.startsWith(name));
  });
}
