import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { headerOf, requestOf } from '../http-request.js';

const MAX_BODY_BYTES = 16_384;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/**
 * The first check of every route: answers are never stored, bodies are JSON and small. Forms would let any page log a
 * visitor in (login CSRF), and hosts parse them.
 */
@Injectable()
export class RequestShapeGuard implements CanActivate {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    this.adapterHost.httpAdapter.setHeader(context.switchToHttp().getResponse(), 'Cache-Control', 'no-store');
    if (request.method === 'GET' || request.method === 'HEAD') return true;
    const contentType = headerOf(request, 'content-type');
    const length = headerOf(request, 'content-length');
    const hasBody = headerOf(request, 'transfer-encoding') !== null || (length !== null && length !== '0');
    if ((hasBody || contentType !== null) && !JSON_TYPE.test(contentType ?? ''))
      throw new AuthError('UNSUPPORTED_MEDIA_TYPE');
    if (length !== null && Number(length) > MAX_BODY_BYTES) throw new AuthError('PAYLOAD_TOO_LARGE');
    return true;
  }
}
