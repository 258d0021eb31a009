import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface BenchDatabase {
  readonly uri: string;
  readonly description: string;
  /** A real server, named by the caller. */
  readonly isGiven: boolean;
  close(): Promise<void>;
}

const PROCESS = fileURLToPath(new URL('./database-process.js', import.meta.url));

/** `TEST_MONGODB_URI`, otherwise the embedded development database in its own process. */
export async function openDatabase(): Promise<BenchDatabase> {
  const given = process.env['TEST_MONGODB_URI'];
  if (given)
    return { uri: given, description: 'MongoDB at TEST_MONGODB_URI', isGiven: true, close: async () => {} };
  const child = fork(PROCESS, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const uri = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(message as string));
    child.once('exit', () => reject(new Error('the embedded database did not start')));
  });
  return {
    uri,
    description: 'the embedded development database, in a process of its own, without a journal',
    isGiven: false,
    close: async () => {
      child.disconnect();
      await exited;
    },
  };
}

const URI = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(?:\?(.*))?$/;

/**
 * The URI of a database on the same server. Without `authSource`, naming a database would move the one that is asked
 * for the credentials from `admin` to it.
 */
export function uriOf(server: string, database: string): string {
  const [, origin, query = ''] = URI.exec(server) ?? [];
  if (origin === undefined) throw new Error('this is not a MongoDB URI');
  const parameters = query === '' ? [] : query.split('&');
  if (origin.includes('@') && !parameters.some((parameter) => parameter.startsWith('authSource=')))
    parameters.push('authSource=admin');
  return `${origin}/${database}${parameters.length > 0 ? `?${parameters.join('&')}` : ''}`;
}
