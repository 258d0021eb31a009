import { AuthError } from '../../core/errors.js';
import { COLLECTION_FLAGS, COLLECTION_USAGE, collectionOptions } from '../collection-arguments.js';
import {
  asksForHelp,
  type CommandResult,
  isOneOf,
  parseArguments,
  UsageError,
  wrongUsage,
} from '../command-line.js';
import { plain } from '../report/terminal-text.js';
import { type UserAct, UserRefusedError, type UserRequest } from './user-request.js';
import { answerText } from './user-text.js';

const USAGE = `silent-auth users [command] [options]     manages users

  list                    lists users, the newest first; with --email sorted by address (the default)
  show USER               shows one user
  roles USER ROLE...      sets the roles; access tokens with the earlier roles are refused, nobody is logged out
  unlock USER             resets the counts of wrong passwords
  disable USER            logs the user out everywhere and refuses logins
  enable USER             lets the user log in again
  forget USER             permanently deletes the user, their sessions, and their data in the audit log

USER is an e-mail address or an id.

  --email TEXT     list: users whose address begins with TEXT
  --role ROLE      list: users with this role
  --disabled       list: disabled users
  --limit NUMBER   list: maximum number of users, up to 200                [default: 50]
  --after USER     list: users after this id; with --email after this address. With --role or --disabled a page may be
                   short: more follow as long as it ends with "More"
  --none           roles: removes all roles
  --force          allows changes to the last administrator
  --json           prints JSON
${COLLECTION_USAGE}

The database is the one at MONGODB_URI. Changes take effect in a running service within its revocation bound, and are recorded
in the audit log. Set ACCESS_TOKEN_TTL if access tokens live longer than 15 minutes. Password hashes are never shown.
Exit code: 1 if there is no such user or the action was refused, 2 if the arguments are wrong.
`;

const COMMANDS = ['list', 'show', 'roles', 'unlock', 'disable', 'enable', 'forget'] as const;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

/** Manages the users of a database. */
export async function runUsersCommand(argv: string[], variables: NodeJS.ProcessEnv): Promise<CommandResult> {
  try {
    if (asksForHelp(argv)) return { exitCode: 0, output: USAGE };
    const { json, ...request } = readArguments(argv);
    // Imported only when needed: it loads Nest and the driver.
    const { performOnUsers } = await import('./perform.js');
    const answer = await performOnUsers(request, variables);
    return { exitCode: 0, output: json ? `${JSON.stringify(answer, null, 2)}\n` : answerText(answer) };
  } catch (error) {
    if (error instanceof UsageError) return wrongUsage(plain(error.message), USAGE);
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { exitCode: 1, output: `${plain(reason)}\n` };
  }
}

/** Null if the error is not a refusal. */
function reasonOf(error: unknown): string | null {
  if (error instanceof UserRefusedError) return error.message;
  if (!(error instanceof AuthError)) return null;
  const problems = error.fields?.map(({ message }) => message).join('; ');
  return problems ?? error.detail ?? error.message;
}

function readArguments(argv: string[]): UserRequest & { readonly json: boolean } {
  const { values, positionals } = parseArguments({
    args: argv,
    allowPositionals: true,
    options: {
      email: { type: 'string' },
      role: { type: 'string' },
      disabled: { type: 'boolean' },
      limit: { type: 'string' },
      after: { type: 'string' },
      none: { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      ...COLLECTION_FLAGS,
    },
  });
  const [command = 'list', ...names] = positionals;
  if (!isOneOf(COMMANDS, command)) throw new UsageError(`there is no command '${command}'`);
  const { email, role, disabled, limit, after, none, force, json } = values;
  const options = collectionOptions(values);
  if (command !== 'list') return { act: actOf(command, names, none), options, force, json };
  if (names.length > 0) throw new UsageError(`unexpected argument '${names.join(' ')}'`);
  const list = { email, role, disabled, after, limit: readLimit(limit) };
  return { act: { command, ...list }, options, force, json };
}

function actOf(
  command: Exclude<(typeof COMMANDS)[number], 'list'>,
  [user, ...roles]: readonly string[],
  none: boolean,
): UserAct {
  if (user === undefined) throw new UsageError(`${command} needs a user: an e-mail address or an id`);
  if (command !== 'roles') {
    if (roles.length > 0) throw new UsageError(`unexpected argument '${roles.join(' ')}'`);
    return { command, user };
  }
  if ((roles.length === 0) !== none) throw new UsageError('roles needs the roles of the user, or --none');
  return { command, user, roles };
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new UsageError(`--limit needs a number from 1 to ${MAX_LIMIT}`);
}
