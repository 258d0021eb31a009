import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type LoggerService,
  type NestInterceptor,
} from '@nestjs/common';
import type { AuthenticatedUser } from 'nestjs-silent-auth';
import { type Logger, pino } from 'pino';
import { pinoHttp } from 'pino-http';
import { printable } from '../common/printable.js';
import type { AppConfig, LogLevel } from '../config/config.js';
import type { TrustProxy } from '../config/settings.js';
import { proxyTrust } from './proxy-trust.js';

const LEVELS: Record<LogLevel, pino.LevelWithSilent> = {
  silent: 'silent',
  error: 'error',
  warn: 'warn',
  info: 'info',
  debug: 'debug',
  verbose: 'trace',
};

/** Contexts of Nest's start-up logs: useful only when debugging Nest. */
const CHATTY = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/**
 * Contexts of start-up failures, which main.ts reports in one sentence; these would log every attempt with the
 * driver's stack.
 */
const REPORTED_BY_MAIN = new Set(['MongooseModule', 'ExceptionHandler', 'NestApplication']);

/** JSON lines; in development the same data in a readable form. */
export async function createLogger({
  logLevel,
  isProduction,
}: Pick<AppConfig, 'logLevel' | 'isProduction'>): Promise<Logger> {
  const options = { level: LEVELS[logLevel], base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (isProduction) return pino(options);
  const { default: pretty } = await import('pino-pretty');
  return pino(
    options,
    pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss', singleLine: true }),
  );
}

/** Sends Nest's log lines to pino. The last parameter of each is the name of its context. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write(CHATTY.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write(REPORTED_BY_MAIN.has(String(rest.at(-1))) ? 'debug' : 'error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', typeof message === 'string' ? inVariable(message) : message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  private write(level: pino.Level, message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    const detail = rest.slice(0, -1).filter((item) => item !== undefined);
    const fields = { context, ...(detail.length > 0 ? { detail } : {}) };
    if (message instanceof Error) this.logger[level]({ ...fields, err: message });
    else if (typeof message === 'object' && message !== null) this.logger[level]({ ...fields, ...message });
    else this.logger[level](fields, String(message));
  }
}

/** The library's advice names options; the service shows the variables. */
function inVariable(message: string): string {
  return message.replace(/\btrustedOrigins: \['([^']*)'\]/, 'TRUSTED_ORIGINS=$1');
}

interface LoggedRequest extends IncomingMessage {
  originalUrl?: string;
  principal?: AuthenticatedUser;
}

const REQUEST_ID = /^[\w.:-]{1,64}$/;

/**
 * One line for each request, with an id that the answer also carries. Headers, bodies and query strings are not
 * logged: they contain tokens, cookies and passwords.
 */
export function requestLogger(logger: Logger, trustProxy: TrustProxy) {
  const isTrusted = proxyTrust(trustProxy);
  const log = pinoHttp<LoggedRequest, ServerResponse>({
    logger,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'requestId' },
    customLogLevel: (_request, { statusCode, headersSent }) => {
      if (!headersSent) return 'warn';
      // A request over a limit: the security log has one line for the flood.
      if (statusCode === 429) return 'debug';
      if (statusCode >= 500) return 'error';
      return statusCode >= 400 ? 'warn' : 'info';
    },
    customSuccessMessage: describe,
    customErrorMessage: describe,
    customProps: (request: LoggedRequest) =>
      request.principal ? { userId: request.principal.id, sessionId: request.principal.session.id } : {},
    serializers: {
      req: ({ method, raw }: { method: string; raw: LoggedRequest }) => ({ method, path: pathOf(raw) }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
    },
    autoLogging: { ignore: (request) => isPolled(pathOf(request)) },
  });

  return (request: LoggedRequest, response: ServerResponse, next: () => void): void => {
    // Set here for both adapters: Fastify numbers its requests, and a number is unique only within one process.
    request.id = requestId(request, isTrusted);
    response.setHeader('X-Request-Id', request.id);
    log(request, response, next);
  };
}

/** The id from a trusted proxy, if it looks like one: any other client could forge and repeat ids in the log. */
function requestId({ headers, socket }: LoggedRequest, isTrusted: ReturnType<typeof proxyTrust>): string {
  const given = headers['x-request-id'];
  if (typeof given !== 'string' || !REQUEST_ID.test(given)) return randomUUID();
  return isTrusted(socket.remoteAddress ?? '', 0) ? given : randomUUID();
}

/** Health and metrics routes, which load balancers and Prometheus poll. */
function isPolled(path: string): boolean {
  return path.startsWith('/health/') || path === '/metrics';
}

function pathOf({ originalUrl, url }: LoggedRequest): string {
  return printable((originalUrl ?? url ?? '').split('?', 1)[0] ?? '').slice(0, 200);
}

/** Without headers the client left before there was an answer: the status is only Node's default. */
function describe(request: LoggedRequest, { statusCode, headersSent }: ServerResponse): string {
  return `${request.method} ${pathOf(request)} ${headersSent ? statusCode : 'aborted'}`;
}

/** Adds the user to the request log; the guards have run by then. */
@Injectable()
export class PrincipalInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const request = context.switchToHttp().getRequest<{ user?: AuthenticatedUser; raw?: LoggedRequest }>();
    // Fastify wraps Node's request; on Express they are the same object.
    const raw = request.raw ?? (request as LoggedRequest);
    if (request.user) raw.principal = request.user;
    return next.handle();
  }
}
