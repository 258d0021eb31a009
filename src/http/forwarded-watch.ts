import { Inject, Injectable, Logger } from '@nestjs/common';
import { isNearby, readAddress } from '../core/network.js';
import { printable } from '../core/printable.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { addressOf, headerOf, type HttpRequest } from './http-request.js';

const MAX_SHOWN = 100;

/**
 * Detects a proxy that is not trusted, or one whose addresses cannot be read; neither can be known at boot. Watches
 * requests to the library's own routes until it has seen one.
 */
@Injectable()
export class ForwardedWatch {
  /** Whether an untrusted proxy was seen. */
  hasSeen = false;
  private readonly logger = new Logger('ForwardedWatch');
  private hasWarned = false;
  private isWatching: boolean;
  private report: () => void = () => undefined;

  constructor(@Inject(AUTH_OPTIONS) { doctor }: ResolvedAuthOptions) {
    this.isWatching = doctor;
  }

  /** Sets the callback, which is called once when the first untrusted proxy is seen. */
  whenSeen(report: () => void): void {
    this.report = report;
  }

  see(request: HttpRequest): void {
    this.warnIfUnreadable(request);
    if (!this.isWatching) return;
    const forwarded = headerOf(request, 'x-forwarded-for');
    if (forwarded === null) return;
    const address = addressOf(request);
    // A direct client from another network may have written the header itself.
    const isIgnored = address === readAddress(request.socket?.remoteAddress ?? '') && isNearby(address);
    // The client may run on the same host as the proxy.
    if (!isIgnored || readAddress(forwarded.split(',').at(-1) ?? '') === address) return;
    this.isWatching = false;
    this.hasSeen = true;
    this.report();
  }

  private warnIfUnreadable({ ip = '' }: HttpRequest): void {
    if (this.hasWarned || ip === '' || readAddress(ip) !== null) return;
    this.hasWarned = true;
    this.logger.warn(
      `a trusted proxy sent "${printable(ip, MAX_SHOWN)}" as the address of a client: the proxy's own address is used instead, and all clients behind it share its limits. Make the proxy write IP addresses to X-Forwarded-For`,
    );
  }
}
