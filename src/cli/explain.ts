import { ConfigurationError } from '../options/option-reader.js';
import { KeyFileError } from '../tokens/keys/key-set.js';
import { EnvFileError } from './env-file.js';

interface SystemError extends Omit<NodeJS.ErrnoException, 'code'> {
  readonly code?: string | number;
  readonly hostname?: string;
}

/** MongoDB's code for a wrong user name or password. */
const AUTHENTICATION_FAILED = 18;

/** There is no usable database, for a reason that the operator can fix. Print the message without a stack trace. */
export class DatabaseChoiceError extends Error {
  override readonly name = 'DatabaseChoiceError';
}

/** The reason of an error in one paragraph; with a stack trace only for a bug. */
export function explain(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof KeyFileError || error instanceof EnvFileError)
    return error.message;
  if (error instanceof DatabaseChoiceError) return `${error.message}.`;
  if (!(error instanceof Error)) return String(error);
  return journalProblem(error) ?? databaseProblem(error) ?? error.stack ?? error.message;
}

/** Names the embedded database and the process that uses it; null for any other error. */
export function journalInUse({ message }: Error): string | null {
  const [, folder, process] = /^The journal in (.+) is in use by process (\d+)$/.exec(message) ?? [];
  return folder === undefined ? null : `The embedded database in ${folder} is in use by process ${process}`;
}

function journalProblem(error: Error): string | null {
  const problem = journalInUse(error);
  return problem && `${problem}, probably a running service: stop it, or use its administrator routes.`;
}

function databaseProblem({ name, message, code, syscall, hostname }: SystemError): string | null {
  if (name.includes('ServerSelection')) return `The database does not answer: ${message}. Check MONGODB_URI.`;
  if (syscall?.startsWith('query'))
    return `The host name of the database cannot be resolved: ${hostname ?? message}. Check MONGODB_URI.`;
  if (name === 'MongoServerError' && code === AUTHENTICATION_FAILED)
    return 'The database refuses the user name or password. Check MONGODB_URI.';
  return null;
}
