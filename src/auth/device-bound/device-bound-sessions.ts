import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { stringifySetCookie } from 'cookie';
import { structuredText } from '../../core/device-proof.js';
import { AuthError } from '../../core/errors.js';
import { PROOF_ALGORITHM } from '../../core/proof.js';
import { REFRESH_ROUTE } from '../../doctor/doctor.service.js';
import { readHost } from '../../doctor/host-facts.js';
import { addressOf, headerOf, type HttpRequest, sourceOf } from '../../http/http-request.js';
import { PresentedRefreshTokens } from '../../http/presented-refresh-tokens.js';
import { boundCookieName, cookieAttributes, RefreshCookie } from '../../http/refresh-cookie.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import type { TrustedOriginsOption } from '../../options/trusted-origins.options.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import type { ClientTraits } from '../../tokens/client-traits.js';
import { DeviceBinding, type ShownSession } from '../../tokens/device-bound/device-binding.js';
import { MARK_LIFE_MS } from '../../tokens/device-bound/device-marks.js';

/** A sibling of the refresh route. */
export const DEVICE_ROUTE = 'device-bound-session';

/** Tells the browser which requests need which cookie ("JSON session instructions" in the draft). */
export interface DeviceSessionAnswer {
  readonly session_identifier: string;
  readonly refresh_url: string;
  readonly scope: {
    readonly include_site: false;
    readonly scope_specification: readonly {
      readonly type: 'include' | 'exclude';
      readonly domain: '*';
      readonly path: string;
    }[];
  };
  readonly credentials: readonly {
    readonly type: 'cookie';
    readonly name: string;
    readonly attributes: string;
  }[];
  readonly allowed_refresh_initiators: readonly string[];
}

/** Ends the browser's device-bound session, not the user's session. */
export interface DeviceSessionEnd {
  readonly continue: false;
}

/** The HTTP side of Device Bound Session Credentials: headers, bound cookie, and paths as browsers see them. */
@Injectable()
export class DeviceBoundSessions {
  private known: string | null = null;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_ROUTE) private readonly refreshRoute: string | null,
    private readonly adapterHost: HttpAdapterHost,
    private readonly cookie: RefreshCookie,
    private readonly presented: PresentedRefreshTokens,
    private readonly throttle: ThrottleService,
    private readonly binding: DeviceBinding,
  ) {}

  /**
   * Asks the browser to register a key for a new session. Only for new sessions: a thief who copies the cookies later gets no
   * challenge to register their own key.
   */
  offer(response: unknown, sessionId: string): void {
    if (!this.binding.isOn || !this.options.refreshToken.cookie.secure || this.refreshPath === null) return;
    const path = this.pathOf(DEVICE_ROUTE);
    const challenge = this.binding.newMark('registration', sessionId);
    this.adapterHost.httpAdapter.setHeader(
      response,
      'Secure-Session-Registration',
      `(${PROOF_ALGORITHM});path="${path}";challenge="${challenge}"`,
    );
  }

  /** @throws AuthError `DEVICE_PROOF_REQUIRED`, `TEMPORARILY_UNAVAILABLE` */
  async register(request: HttpRequest): Promise<DeviceSessionAnswer> {
    for (const shown of this.shownBy(request)) {
      this.admit(shown, request);
      const identifier = await this.binding.register(shown, headerOf(request, 'secure-session-response'));
      if (identifier !== null) return this.instructions(identifier);
    }
    throw new AuthError('DEVICE_PROOF_REQUIRED');
  }

  /**
   * Sets a new bound cookie. To end the browser's device-bound session, it returns `{ continue: false }`, never an error.
   * Browsers also treat most error responses as the end, so an outage, a limit or a key that this process does not have yet
   * must be a 503.
   * @throws AuthError (as a rejection) `DEVICE_PROOF_REQUIRED` with a challenge, `TEMPORARILY_UNAVAILABLE`
   */
  async renew(request: HttpRequest, response: unknown): Promise<DeviceSessionAnswer | DeviceSessionEnd> {
    const identifier = structuredText(headerOf(request, 'sec-secure-session-id') ?? '') ?? '';
    const sessionId = this.binding.sessionOf(identifier);
    const shown = this.shownBy(request, sessionId)[0];
    if (!shown) return { continue: false };
    this.admit(shown, request);
    const proof = headerOf(request, 'secure-session-response');
    switch (await this.binding.renew(shown, identifier, proof)) {
      case 'over':
        return { continue: false };
      case 'unproven': {
        const challenge = this.binding.newMark('renewal', shown.sessionId);
        const header = `"${challenge}";id="${identifier}"`;
        this.adapterHost.httpAdapter.setHeader(response, 'Secure-Session-Challenge', header);
        throw new AuthError('DEVICE_PROOF_REQUIRED');
      }
      case 'renewed': {
        const mark = this.binding.newMark('cookie', shown.sessionId);
        this.cookie.setBound(response, mark, MARK_LIFE_MS.cookie / 1000);
        return this.instructions(identifier);
      }
    }
  }

  /**
   * Removes a bound cookie with which a refresh was refused. A browser whose clock was set back keeps the cookie too long, and
   * requests a new one only when it has none.
   */
  takeBack(response: unknown, sessionId: string, client: ClientTraits): void {
    const hasCookie = client.deviceProof?.cookies.some((cookie) => cookie !== '');
    if (hasCookie && this.binding.mustBeUnbound(sessionId, client)) this.cookie.setBound(response, '', 0);
  }

  /**
   * @param only return only this session
   * @throws AuthError `TEMPORARILY_UNAVAILABLE` if another process may have the key of a token
   */
  private shownBy(request: HttpRequest, only?: string | null): ShownSession[] {
    const verified = this.presented
      .verified(request)
      .filter(({ trn, sid }) => trn === 'cookie' && (only === undefined || sid === only));
    const isUnknown = () => this.cookie.readAll(request).some((each) => this.presented.isOfNewKey(each));
    if (verified.length === 0 && isUnknown()) throw new AuthError('TEMPORARILY_UNAVAILABLE');
    const source = sourceOf(request);
    return verified.map(({ sid, sub }) => ({ sessionId: sid, userId: sub, source }));
  }

  private admit({ sessionId }: ShownSession, request: HttpRequest): void {
    try {
      this.throttle.admitRefresh({ sessionId, ip: addressOf(request) });
    } catch (cause) {
      const retryAfter = cause instanceof AuthError ? cause.retryAfter : undefined;
      throw new AuthError('TEMPORARILY_UNAVAILABLE', {
        detail: 'too many renewals of a device-bound session',
        cause,
        ...(retryAfter === undefined ? {} : { retryAfter }),
      });
    }
  }

  private instructions(identifier: string): DeviceSessionAnswer {
    const { cookie } = this.options.refreshToken;
    const name = boundCookieName(cookie);
    const [, ...attributes] = stringifySetCookie(name, '', cookieAttributes(cookie, null)).split('; ');
    return {
      session_identifier: identifier,
      refresh_url: this.pathOf(`${DEVICE_ROUTE}/renew`),
      scope: {
        include_site: false,
        // The last matching rule counts: only a refresh waits for the cookie.
        scope_specification: [
          { type: 'exclude', domain: '*', path: '/' },
          { type: 'include', domain: '*', path: this.pathOf('refresh') },
        ],
      },
      credentials: [{ type: 'cookie', name, attributes: attributes.join('; ') }],
      allowed_refresh_initiators: hostsOf(this.options.trustedOrigins),
    };
  }

  /** The path of a sibling of the refresh route. */
  private pathOf(name: string): string {
    return (this.refreshPath ?? '').replace(/refresh$/, name);
  }

  /**
   * The path of the refresh as browsers see it; null if the host has its own route. Behind a proxy that removes a prefix, the
   * path is right if the issuer contains that prefix. Otherwise registrations never arrive, and sessions stay unbound.
   */
  private get refreshPath(): string | null {
    if (this.known !== null) return this.known;
    const [route] = readHost(this.adapterHost.httpAdapter, this.refreshRoute).refreshPaths;
    if (route === undefined) return null;
    const outside = new URL(this.options.issuer).pathname.replace(/\/$/, '');
    return (this.known = route.startsWith(`${outside}/`) ? route : outside + route);
  }
}

/** Hosts of other origins whose refreshes also wait for the bound cookie. */
function hostsOf(trusted: TrustedOriginsOption): string[] {
  if (typeof trusted === 'function') return ['*'];
  const hosts = trusted.flatMap((origin) => /^https?:\/\/([^:]+)(?::\d+)?$/.exec(origin)?.[1] ?? []);
  return [...new Set(hosts)];
}
