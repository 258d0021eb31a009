import { runDoctorCommand } from './command.js';

const { stdout, stderr, env } = process;
const hasColours = stdout.isTTY && !env['NO_COLOR'];
const { exitCode, output } = await runDoctorCommand(process.argv.slice(2), env, hasColours).catch(
  async (error: unknown) => {
    const { explain } = await import('../explain.js');
    return { exitCode: 2, output: `${explain(error)}\n` };
  },
);
// What still waits for a database that does not answer is not waited for.
(exitCode === 2 ? stderr : stdout).write(output, () => process.exit(exitCode));
