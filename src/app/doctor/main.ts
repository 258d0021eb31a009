import { runDoctorCommand } from './command.js';

const { stdout, stderr, env } = process;
// As the shell tells of a signal; and so that what is to be done at the end is done.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
const hasColours = stdout.isTTY && !env['NO_COLOR'];
const { exitCode, output } = await runDoctorCommand(process.argv.slice(2), env, hasColours).catch(
  async (error: unknown) => {
    const { explain } = await import('../explain.js');
    return { exitCode: 2, output: `${explain(error)}\n` };
  },
);
// What still waits for a database that does not answer is not waited for.
(exitCode === 2 ? stderr : stdout).write(output, () => process.exit(exitCode));
