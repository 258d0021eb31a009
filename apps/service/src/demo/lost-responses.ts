import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { AuthHttp } from 'nestjs-silent-auth';
import { requestName } from './caller.js';
import { Timeline } from './timeline.js';

export const REFRESH_PATH = '/auth/refresh';

const SESSIONS = 200;

interface Outage {
  readonly lastsMs: number;
  /** Null until the first answer is lost. */
  endsAt: number | null;
  /** Requests whose answers were lost. */
  readonly requests: Set<string>;
}

/**
 * A network that fails between the server's write and the client's receipt: the refresh is carried out, and its
 * answer is cut off with the connection. The failure lasts a while, because browsers retry by themselves on a new
 * connection.
 */
@Injectable()
export class LostResponses {
  private readonly outages = new LRUCache<string, Outage>({ max: SESSIONS });

  constructor(
    private readonly http: AuthHttp,
    private readonly timeline: Timeline,
  ) {}

  /** From the session's next refresh on, its answers are lost for `lastsMs`. */
  arm(sessionId: string, lastsMs: number): void {
    this.outages.set(sessionId, { lastsMs, endsAt: null, requests: new Set() });
  }

  /** Runs before the body is read, which is empty in cookie transport. */
  intercept(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'POST' || request.url?.split('?', 1)[0] !== REFRESH_PATH) return;
    const sessionId = this.http.refreshTokenOf({ headers: request.headers })?.sid;
    const outage = sessionId === undefined ? undefined : this.outages.get(sessionId);
    if (sessionId === undefined || !outage) return;
    // The state when the request arrives counts: the answer to a later request must arrive.
    if (outage.endsAt !== null && Date.now() >= outage.endsAt) {
      this.outages.delete(sessionId);
      return;
    }
    const name = requestName(request);
    const isRepeat = name !== null && outage.requests.has(name);
    if (name !== null) outage.requests.add(name);
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
    response.end = (...args: unknown[]) => {
      if (response.statusCode !== 200) return end(...args);
      const lost = { kind: 'response_lost', ...(isRepeat ? { isRepeat } : {}) } as const;
      outage.endsAt ??= Date.now() + outage.lastsMs;
      // After the event of the refresh itself, which is on its way.
      setImmediate(() => this.timeline.record(sessionId, lost));
      response.destroy();
      return response;
    };
  }
}
