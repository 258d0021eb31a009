import type { Finding } from '../../doctor/checks/finding.js';
import { asksForHelp, type CommandResult, parseArguments, UsageError, wrongUsage } from '../command-line.js';
import { reportFindings } from './findings-text.js';

const USAGE = `silent-auth doctor [options]     reports problems of the library's database

  --json      findings as JSON
  --strict    exit code 1 for warnings too

It examines the database at MONGODB_URI: its kind, its clock, and the state of each index. It writes nothing. The options of
the application are not examined here: the application's DoctorService does that at each boot.
Exit code: 0 without errors, 1 with an error (with --strict: or a warning), 2 if the arguments are wrong or the command
itself failed.
`;

/** Examines the database that the environment variables name. */
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

/** Returns only findings about the database, because the options of the application are unknown here. */
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
    // A missing collection belongs to a feature that the application does not use or never started.
    return !/index|ttl/.test(code) || collections.some((name) => subject.startsWith(name));
  });
}
