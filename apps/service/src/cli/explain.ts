import { explain as explainFailure, journalInUse } from 'nestjs-silent-auth/cli';
import { RedisUnreachableError } from '../storage/choose-revocation-store.js';

interface SystemError extends Omit<NodeJS.ErrnoException, 'code'> {
  readonly code?: string | number;
  readonly port?: number;
  readonly address?: string;
  readonly hostname?: string;
}

/** The reason in one paragraph; with a stack trace only for a bug. */
export function explain(error: unknown): string {
  if (error instanceof RedisUnreachableError) return error.message;
  if (!(error instanceof Error)) return explainFailure(error);
  return journalProblem(error) ?? listenProblem(error) ?? explainFailure(error);
}

function journalProblem(error: Error): string | null {
  const problem = journalInUse(error);
  const another = 'give this service its own folder and port, such as DATA_DIR=.data-2 PORT=3001';
  return problem && `${problem}, probably another start of this service: stop it, or ${another}.`;
}

function listenProblem({ code, syscall, port, address, hostname }: SystemError): string | null {
  if (code === 'EADDRINUSE')
    return `Port ${port ?? ''} is in use: set PORT to another one, or stop the other service.`;
  if (code === 'EACCES' && syscall === 'listen')
    return `Port ${port ?? ''} needs more privileges: set PORT to 1024 or higher.`;
  if (syscall === 'getaddrinfo' || code === 'EADDRNOTAVAIL')
    return `HOST is not an address of this machine: ${hostname ?? address ?? ''}. Set it to one, such as 127.0.0.1 or 0.0.0.0.`;
  return null;
}
