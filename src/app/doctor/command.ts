import { parseArgs } from 'node:util';
import type { CommandResult } from '../keys/command.js';
import { countOf, describeFindings, findingsAsJson, inVariables, worstFirst } from './report.js';

export const USAGE = `npm run doctor -- [options]     what is wrong with the service's configuration and database

  --json      findings as JSON (npm run --silent, or npm's own lines stand before it)
  --strict    exit 1 for warnings, too

Run it with the environment of the service. It listens to nothing and writes nothing. Exit code: 0 where nothing is broken,
1 where there is an error (with --strict: or a warning), 2 where it was called wrongly, or failed itself.
`;

interface Arguments {
  readonly json: boolean;
  readonly strict: boolean;
  readonly help: boolean;
}

/** Examines the service of an environment. */
export async function runDoctorCommand(
  argv: string[],
  variables: NodeJS.ProcessEnv,
  hasColours: boolean,
): Promise<CommandResult> {
  const given = readArguments(argv);
  if (typeof given === 'string') return { exitCode: 2, output: `${given}\n\n${USAGE}` };
  if (given.help) return { exitCode: 0, output: USAGE };
  // It brings the whole service along.
  const { examineEnvironment } = await import('./examination.js');
  const findings = worstFirst((await examineEnvironment(variables)).map(inVariables));
  const output = given.json ? findingsAsJson(findings) : describeFindings(findings, hasColours);
  const fatal = countOf(findings, 'error') + (given.strict ? countOf(findings, 'warning') : 0);
  return { exitCode: fatal > 0 ? 1 : 0, output };
}

/** A text says what is wrong with them. */
function readArguments(args: string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        json: { type: 'boolean', default: false },
        strict: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    return (error as Error).message;
  }
}
