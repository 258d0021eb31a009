import { Inject, Injectable } from '@nestjs/common';
import { isNearby } from '../../core/doctor/site.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../core/options/resolve-options.js';
import { addressOf, headerOf, type HttpRequest } from '../http-request.js';

/**
 * Whether requests come through a proxy that is not trusted, which no boot can know. Looks at requests of the library's
 * own routes until it has seen one.
 */
@Injectable()
export class ForwardedWatch {
  /** Whether one was seen. */
  hasSeen = false;
  private isWatching: boolean;
  private tell: () => void = () => undefined;

  constructor(@Inject(AUTH_OPTIONS) { doctor }: ResolvedAuthOptions) {
    this.isWatching = doctor;
  }

  /** Called once, when the first is seen. */
  whenSeen(tell: () => void): void {
    this.tell = tell;
  }

  see(request: HttpRequest): void {
    if (!this.isWatching) return;
    const forwarded = headerOf(request, 'x-forwarded-for');
    if (forwarded === null) return;
    const address = addressOf(request);
    // Whoever asks directly, from elsewhere, may write the header himself: that says nothing.
    const isIgnored = address === request.socket?.remoteAddress && isNearby(address);
    // A client beside the proxy has its address.
    if (!isIgnored || forwarded.split(',').at(-1)?.trim() === address.replace(/^::ffff:/, '')) return;
    this.isWatching = false;
    this.hasSeen = true;
    this.tell();
  }
}
