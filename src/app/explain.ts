import { ConfigurationError } from '../index.js';
import { RedisUnreachableError } from './choose-revocation-store.js';

interface ListenError extends Omit<NodeJS.ErrnoException, 'code'> {
  readonly code?: string | number;
  readonly port?: number;
  readonly address?: string;
  readonly hostname?: string;
}

/** Of MongoDB. */
const AUTHENTICATION_FAILED = 18;

/** The reason in one paragraph; a stack trace only where it is a bug. */
export function explain(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof RedisUnreachableError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, port, address, hostname } = error as ListenError;
  if (code === 'EADDRINUSE')
    return `Port ${port ?? ''} is in use: set PORT to another one, or stop the other service.`;
  if (code === 'EACCES' && syscall === 'listen')
    return `Port ${port ?? ''} may not be listened on: set PORT to one of at least 1024.`;
  if (syscall === 'getaddrinfo' || code === 'EADDRNOTAVAIL')
    return `HOST is no address of this machine: ${hostname ?? address ?? ''}. Set it to one, such as 127.0.0.1 or 0.0.0.0.`;
  if (/ServerSelection/.test(error.name))
    return `The database does not answer: ${error.message}. Check MONGODB_URI.`;
  if (syscall?.startsWith('query'))
    return `The name of the database cannot be resolved: ${hostname ?? error.message}. Check MONGODB_URI.`;
  if (error.name === 'MongoServerError' && code === AUTHENTICATION_FAILED)
    return 'The database refuses user name or password. Check MONGODB_URI.';
  return error.stack ?? error.message;
}
