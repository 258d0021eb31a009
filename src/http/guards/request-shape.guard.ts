import { type ExecutionContext, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { MAX_BODY_BYTES } from '../../core/limits.js';
import { ForwardedWatch } from '../forwarded-watch.js';
import { headerOf, requestOf } from '../http-request.js';
import { RefusingGuard } from './refusing.guard.js';

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/**
 * The first check of every route: responses are never cached, bodies are JSON and small. Forms are refused, because any
 * page could send one to log a visitor in (login CSRF), and hosts may parse them.
 */
@Injectable()
export class RequestShapeGuard extends RefusingGuard {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly forwarded: ForwardedWatch,
  ) {
    super();
  }

  protected override admit(context: ExecutionContext): void {
    const request = requestOf(context);
    this.forwarded.see(request);
    this.adapterHost.httpAdapter.setHeader(context.switchToHttp().getResponse(), 'Cache-Control', 'no-store');
    if (request.method === 'GET' || request.method === 'HEAD') return;
    const contentType = headerOf(request, 'content-type');
    const length = headerOf(request, 'content-length');
    const hasBody = headerOf(request, 'transfer-encoding') !== null || (length !== null && length !== '0');
    if ((hasBody || contentType !== null) && !JSON_TYPE.test(contentType ?? ''))
      throw new AuthError('UNSUPPORTED_MEDIA_TYPE');
    // The header is missing for chunked bodies and wrong for compressed ones, and the host's parser may allow more.
    if (Number(length) > MAX_BODY_BYTES || isLongerThan(MAX_BODY_BYTES, request.body))
      throw new AuthError('PAYLOAD_TOO_LARGE');
    if (Number(length) > 0 && request.body === undefined)
      throw new AuthError('INTERNAL', {
        detail:
          'no body parser has read the JSON body: leave bodyParser: false out of NestFactory.create, or call app.use(express.json()) before app.listen',
      });
  }
}

/** Whether the JSON of a value certainly had more bytes than `limit`. Stops early, and does not recurse. */
function isLongerThan(limit: number, body: unknown): boolean {
  let least = 0;
  const waiting: unknown[] = [body];
  while (waiting.length > 0 && least <= limit) {
    const value = waiting.pop();
    if (typeof value === 'string') least += value.length + 2;
    else if (Array.isArray(value)) {
      least += value.length + 1;
      if (least <= limit) waiting.push(...(value as unknown[]));
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        least += key.length + 4;
        waiting.push(item);
      }
    } else least += 1;
  }
  return least > limit;
}
