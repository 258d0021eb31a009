import { COLLECTION_FLAGS, COLLECTION_USAGE, collectionOptions } from '../collection-arguments.js';
import { asksForHelp, type CommandResult, parseArguments, UsageError, wrongUsage } from '../command-line.js';
import { plain } from '../report/terminal-text.js';

const USAGE = `silent-auth migrate-users [options]     converts existing users to the form that the library expects

  --dry-run        only reports, changes nothing
  --roles ROLES    roles for users without any, such as user or user,editor     [default: none]
  --hashes KINDS   kinds of hashes that password.verifiers handles in addition to bcrypt: scrypt,pbkdf2,argon2
  --json           prints the report as JSON
${COLLECTION_USAGE}

Normalises addresses, and adds missing token versions, roles and creation times, in the database at MONGODB_URI. It removes
nothing, may run while the service runs, and may run again. The report contains ids, no addresses.
Exit code: 1 if problems remain that only you can solve, 2 if the arguments are wrong.
`;

/** Converts the users of a database to the form that the library expects. */
export async function runMigrateUsersCommand(
  argv: string[],
  variables: NodeJS.ProcessEnv,
): Promise<CommandResult> {
  try {
    if (asksForHelp(argv)) return { exitCode: 0, output: USAGE };
    const { dryRun, roles, hashes, json, options } = readArguments(argv);
    // Imported only when needed: it loads the driver.
    const { migrate, migrationText } = await import('./migrate.js');
    const report = await migrate({ ...options, hashes }, { dryRun, roles }, variables);
    const isLeft = report.duplicateEmails.length > 0 || report.problems.length > 0;
    return {
      exitCode: isLeft ? 1 : 0,
      output: json ? `${JSON.stringify(report, null, 2)}\n` : migrationText(report, dryRun),
      isAnswer: true,
    };
  } catch (error) {
    if (error instanceof UsageError) return wrongUsage(plain(error.message), USAGE);
    throw error;
  }
}

function readArguments(argv: string[]) {
  const { values } = parseArguments({
    args: argv,
    options: {
      'dry-run': { type: 'boolean', default: false },
      roles: { type: 'string' },
      hashes: { type: 'string' },
      json: { type: 'boolean', default: false },
      ...COLLECTION_FLAGS,
    },
  });
  return {
    dryRun: values['dry-run'],
    roles: listOf(values.roles),
    hashes: listOf(values.hashes),
    json: values.json,
    options: collectionOptions(values),
  };
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}
