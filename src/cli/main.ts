#!/usr/bin/env node
import {
  closeSync,
  fchmodSync,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { asksForHelp, type CommandResult, finish, wrongUsage } from './command-line.js';
import { readSecretFiles } from './secret-files.js';

const USAGE = `silent-auth <command> [options]

  keys            creates and rotates signing keys
  doctor          reports problems of the library's database
  report          prints the security report of a database or a running service
  users           lists users, sets roles, unlocks, disables and deletes users
  migrate-users   converts existing users to the form that the library expects

Run silent-auth <command> --help for details, silent-auth --version for the version. The database is the one at MONGODB_URI, which may also be in the file that
MONGODB_URI_FILE names. Variables that are not set are read from .env in the current folder.
`;

type Command = (argv: string[]) => Promise<CommandResult>;

const { stdout } = process;
/** Variables that may be in files (`NAME_FILE`), as in the reference service. */
const SECRETS = ['MONGODB_URI', 'JWT_ACCESS_KEYS', 'JWT_REFRESH_KEYS'];
const env: NodeJS.ProcessEnv = { ...process.env };

/** Each command imports its modules only when it runs: loading Nest and the driver would slow down every help text. */
const COMMANDS: Readonly<Record<string, Command>> = {
  keys: async (argv) => (await import('./keys/command.js')).runKeysCommand(argv, env, new Date()),
  doctor: async (argv) => {
    const { runDoctorCommand } = await import('./doctor/command.js');
    return runDoctorCommand(argv, env, stdout.isTTY && !env['NO_COLOR']);
  },
  report: async (argv) => {
    const { runReportCommand } = await import('./report/command.js');
    const hasColors = stdout.isTTY && stdout.hasColors();
    return runReportCommand(argv, env, { columns: stdout.columns, hasColors, write: writePrivate });
  },
  users: async (argv) => (await import('./users/command.js')).runUsersCommand(argv, env),
  'migrate-users': async (argv) =>
    (await import('./migrate-users/command.js')).runMigrateUsersCommand(argv, env),
};

/** Makes the file readable only for its owner, even if it existed before: it contains e-mail and IP addresses. */
function writePrivate(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    if (fstatSync(file).isFile()) fchmodSync(file, 0o600);
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
}

/** Reads `.env` and secret files. @throws ConfigurationError if a file cannot be read and `isNeeded` */
async function readEnvironment(isNeeded: boolean): Promise<void> {
  const { readEnvFile } = await import('./env-file.js');
  readEnvFile(env);
  const { values, problems } = readSecretFiles(env, SECRETS);
  if (problems.length > 0 && isNeeded) {
    const { ConfigurationError } = await import('../options/option-reader.js');
    throw new ConfigurationError(problems);
  }
  Object.assign(env, Object.fromEntries(values));
}

/** The version of the package that contains this command; package managers link to it. */
function installedVersion(): string {
  const folder = dirname(realpathSync(process.argv[1] ?? ''));
  const manifest = readFileSync(join(folder, '../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

async function run([name, ...argv]: string[]): Promise<CommandResult> {
  if (name === undefined || ['help', '--help', '-h'].includes(name)) return { exitCode: 0, output: USAGE };
  if (['--version', '-v'].includes(name)) return { exitCode: 0, output: `${installedVersion()}\n` };
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return wrongUsage(`there is no command '${name}'`, USAGE);
  try {
    await readEnvironment(!asksForHelp(argv));
    return await command(argv);
  } catch (error) {
    const { explain } = await import('./explain.js');
    return { exitCode: 2, output: `${explain(error)}\n` };
  }
}

// Exit explicitly, which runs the handlers that remove temporary files. The exit codes are those of a shell.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
// A reader such as `head` may close the pipe early, which is not an error.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
void run(process.argv.slice(2)).then(finish);
