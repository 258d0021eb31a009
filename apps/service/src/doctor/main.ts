import { readEnvFile } from 'nestjs-silent-auth/cli';
import { explain } from '../cli/explain.js';
import { runDoctorCommand } from './command.js';

const { stdout, stderr, env } = process;
// `exit` runs the handlers that remove temporary files; a signal would not. The codes are those of a shell.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
const hasColours = stdout.isTTY && !env['NO_COLOR'];
const { exitCode, output } = await examine().catch((error: unknown) => ({
  exitCode: 2,
  output: `${explain(error)}\n`,
}));
// Does not wait for a database that does not answer.
(exitCode === 2 ? stderr : stdout).write(output, () => process.exit(exitCode));

async function examine() {
  readEnvFile(env);
  return runDoctorCommand(process.argv.slice(2), env, hasColours);
}
