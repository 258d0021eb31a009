import {
  asksForHelp,
  type CommandResult,
  parseArguments,
  reportFindings,
  UsageError,
  wrongUsage,
} from 'nestjs-silent-auth/cli';
import { inVariables } from './in-variables.js';

const USAGE = `npm run doctor -- [options]     what is wrong with the service's configuration and database

  --json      findings as JSON (npm run --silent, or npm's own lines stand before it)
  --strict    exit 1 for warnings, too

Run it with the environment of the service. It listens to nothing and writes nothing. Exit code: 0 where nothing is broken,
1 where there is an error (with --strict: or a warning), 2 where it was called wrongly, or failed itself.
`;

/** Examines the service of an environment. */
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
