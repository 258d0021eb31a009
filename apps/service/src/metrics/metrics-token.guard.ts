import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { AuthError } from 'nestjs-silent-auth';
import type { MetricsSettings } from '../config/settings.js';

/** Injection token of {@link MetricsSettings}. */
export const METRICS_SETTINGS = Symbol('METRICS_SETTINGS');

const BEARER = /^Bearer +(\S+) *$/i;

/** Admits the scraper by the token of the settings, if there is one. */
@Injectable()
export class MetricsTokenGuard implements CanActivate {
  private readonly expected: Buffer | null;

  constructor(@Inject(METRICS_SETTINGS) { token }: MetricsSettings) {
    this.expected = token === null ? null : digest(token);
  }

  /** @throws AuthError `ACCESS_TOKEN_MISSING`, `ACCESS_TOKEN_INVALID` */
  canActivate(context: ExecutionContext): boolean {
    if (this.expected === null) return true;
    const { authorization } = context.switchToHttp().getRequest<IncomingMessage>().headers;
    const [, given] = BEARER.exec(authorization ?? '') ?? [];
    if (given === undefined)
      throw new AuthError('ACCESS_TOKEN_MISSING', { message: 'The token of METRICS_TOKEN is required.' });
    // Digests have equal length, so that the timing reveals nothing about the token.
    if (!timingSafeEqual(digest(given), this.expected))
      throw new AuthError('ACCESS_TOKEN_INVALID', { message: 'This is not the token of METRICS_TOKEN.' });
    return true;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
