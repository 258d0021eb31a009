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

/** Nest's logs about its own start: useful only when debugging Nest. */
const CHATTY = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** What fails at boot main.ts tells in one sentence; these tell it with every attempt, and a page of the driver's stack. */
const TOLD_BY_MAIN = new Set(['MongooseModule', 'ExceptionHandler', 'NestApplication']);

/** JSON lines; in development the same for human eyes. */
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

/** Nest's log lines through pino. The last parameter of each is the name of who speaks. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write(CHATTY.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write(TOLD_BY_MAIN.has(String(rest.at(-1))) ? 'debug' : 'error', message, rest);
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

/** The library advises by the name of its option. */
function inVariable(message: string): string {
  return message.replace(/\btrustedOrigins: \['([^']*)'\]/, 'TRUSTED_ORIGINS=$1');
}

interface LoggedRequest extends IncomingMessage {
  originalUrl?: string;
  principal?: AuthenticatedUser;
}

const REQUEST_ID = /^[\w.:-]{1,64}$/;

/**
 * One line for each request, with an id that the answer carries too. Neither headers nor bodies nor query strings are
 * written: tokens, cookies and passwords live there.
 */
export function requestLogger(logger: Logger, trustProxy: TrustProxy) {
  const isTrusted = proxyTrust(trustProxy);
  const log = pinoHttp<LoggedRequest, ServerResponse>({
    logger,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'requestId' },
    customLogLevel: (_request, { statusCode }) => {
      // A flood over a limit: the security log has a line about it.
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
    autoLogging: { ignore: (request) => isAskedAllDay(pathOf(request)) },
  });

  return (request: LoggedRequest, response: ServerResponse, next: () => void): void => {
    // Set here on both adapters: Fastify numbers its requests, and a number is unique in one process only.
    request.id = requestId(request, isTrusted);
    response.setHeader('X-Request-Id', request.id);
    log(request, response, next);
  };
}

/** The id that a trusted proxy gave, if it looks like one: any other client could forge and repeat ids in the log. */
function requestId({ headers, socket }: LoggedRequest, isTrusted: ReturnType<typeof proxyTrust>): string {
  const given = headers['x-request-id'];
  if (typeof given !== 'string' || !REQUEST_ID.test(given)) return randomUUID();
  return isTrusted(socket.remoteAddress ?? '', 0) ? given : randomUUID();
}

/** By load balancers and by Prometheus. */
function isAskedAllDay(path: string): boolean {
  return path.startsWith('/health/') || path === '/metrics';
}

function pathOf({ originalUrl, url }: LoggedRequest): string {
  return printable((originalUrl ?? url ?? '').split('?', 1)[0] ?? '').slice(0, 200);
}

function describe(request: LoggedRequest, { statusCode }: { statusCode: number }): string {
  return `${request.method} ${pathOf(request)} ${statusCode}`;
}

/** Tells the request log who came; the guards have run by then. */
@Injectable()
export class PrincipalInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const request = context.switchToHttp().getRequest<{ user?: AuthenticatedUser; raw?: LoggedRequest }>();
    // Fastify wraps the request of Node; Express is it.
    const raw = request.raw ?? (request as LoggedRequest);
    if (request.user) raw.principal = request.user;
    return next.handle();
  }
}
