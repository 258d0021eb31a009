import {
  asksForHelp,
  type CommandResult,
  parseArguments,
  reportFindings,
  UsageError,
  wrongUsage,
} from 'nestjs-silent-auth/cli';
import { inVariables } from './in-variables.js';

const USAGE = `npm run doctor -- [options]     finds problems in the service's configuration and database

  --json      findings as JSON (use npm run --silent; otherwise npm's own lines come first)
  --strict    exit 1 for warnings, too

Run it with the environment of the service. It does not listen and writes nothing. Exit code: 0 if there is no error,
1 if there is one (with --strict: or a warning), 2 for wrong arguments or a failure of the command itself.
`;

/** Examines the service that an environment configures. */
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
    // Imported only when needed: it loads the whole service.
    const { examineEnvironment } = await import('./examination.js');
    const findings = (await examineEnvironment(variables)).map(inVariables);
    return reportFindings(findings, { json, strict, hasColours });
  } catch (error) {
    if (error instanceof UsageError) return wrongUsage(error.message, USAGE);
    throw error;
  }
}
