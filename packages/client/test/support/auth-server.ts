import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  /** The answer is held back until then. */
  readonly after?: Promise<unknown>;
  /** The server does its work, and the answer never arrives: the connection is cut. */
  readonly isLost?: boolean;
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Scripted {
  readonly reply: Reply;
  /** The server does its normal work, then answers with the reply's fields instead of its own. */
  readonly isWorkDone: boolean;
}

export const refusal = (status: number, code: string, more: object = {}): Reply => ({
  status,
  json: { statusCode: status, code, message: `refused: ${code}`, error: 'Error', ...more },
});

/** A promise and what resolves it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/**
 * Auth routes on loopback that fail on command. It issues tokens and counts requests; real decisions are tested
 * against the real service.
 */
export class AuthServer {
  readonly received: Received[] = [];
  expiresIn = 900;
  /** Access tokens that are refused. */
  readonly refused = new Set<string>();
  private readonly scripts = new Map<string, Scripted[]>();
  private readonly generations = new Map<string, { user: string; generation: number }>();
  private readonly arrivals: { path: string; resolve: () => void }[] = [];
  private minted = 0;
  private readonly server = createServer((request, response) => void this.serve(request, response));

  static async start(): Promise<AuthServer> {
    const server = new AuthServer();
    await new Promise<void>((done) => server.server.listen(0, '127.0.0.1', done));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get baseUrl(): string {
    return `${this.origin}/auth`;
  }

  /** Replaces the next answers of a path. */
  answer(path: string, ...replies: Reply[]): void {
    this.script(
      path,
      replies.map((reply) => ({ reply, isWorkDone: false })),
    );
  }

  /** Serves the next requests to a path as usual, but changes, delays or loses the answers. */
  disturb(path: string, ...replies: Reply[]): void {
    this.script(
      path,
      replies.map((reply) => ({ reply, isWorkDone: true })),
    );
  }

  /** Resolves when the next request to the path has come. */
  arrival(path: string): Promise<void> {
    return new Promise((resolve) => this.arrivals.push({ path, resolve }));
  }

  count(path: string): number {
    return this.received.filter((each) => each.path === path).length;
  }

  to(path: string): Received[] {
    return this.received.filter((each) => each.path === path);
  }

  /** Sets the counter of a session back, as restoring a backup does. */
  turnBack(session: string, generation: number): void {
    const known = this.generations.get(session);
    if (known) known.generation = generation;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private script(path: string, steps: Scripted[]): void {
    this.scripts.set(path, [...(this.scripts.get(path) ?? []), ...steps]);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const received = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
    };
    this.received.push(received);
    for (const arrival of this.arrivals.filter(({ path }) => path === received.path)) {
      this.arrivals.splice(this.arrivals.indexOf(arrival), 1);
      arrival.resolve();
    }
    const step = this.scripts.get(received.path)?.shift();
    const own = step && !step.isWorkDone ? {} : this.work(received);
    const { status = 200, json, text, headers, after, isLost } = { ...own, ...step?.reply };
    await after;
    if (isLost) return void request.socket.destroy();
    response.writeHead(status, { ...(json ? { 'content-type': 'application/json' } : {}), ...headers });
    response.end(json === undefined ? text : JSON.stringify(json));
  }

  private work({ method, path, headers, body }: Received): Reply {
    const cookie = /refresh_token=([^;.]+)/.exec(headers.cookie ?? '')?.[1];
    const given = body && headers['content-type'] === 'application/json' ? JSON.parse(body) : {};
    const session = (given.refreshToken as string | undefined)?.split('.')[0] ?? cookie;
    const token = headers.authorization?.replace('Bearer ', '');
    switch (`${method} ${path.split('?')[0]}`) {
      case 'POST /auth/login':
      case 'POST /auth/register':
        return this.grant(`s${this.generations.size + 1}`, given.email, given.transport === 'body');
      case 'POST /auth/refresh': {
        if (!session) return refusal(401, 'REFRESH_TOKEN_MISSING');
        const known = this.generations.get(session);
        if (!known) return refusal(401, 'REFRESH_TOKEN_UNKNOWN');
        known.generation += 1;
        return this.grant(session, known.user, 'refreshToken' in given);
      }
      case 'POST /auth/logout':
        return { status: 204, headers: { 'set-cookie': 'refresh_token=; Max-Age=0' } };
    }
    if (!token || this.refused.has(token))
      return refusal(401, token ? 'ACCESS_TOKEN_EXPIRED' : 'ACCESS_TOKEN_MISSING');
    const owner = token.split('.')[1] ?? '';
    switch (`${method} ${path.split('?')[0]}`) {
      case 'POST /auth/change-password':
        return this.grant(
          `s${this.generations.size + 1}`,
          this.generations.get(owner)?.user ?? '',
          session !== cookie,
        );
      case 'GET /auth/me':
        return { json: { id: this.generations.get(owner)?.user, createdAt: '2026-01-01T00:00:00.000Z' } };
      case 'GET /auth/sessions':
        return { json: [{ id: owner, current: true }] };
      case 'DELETE /auth/sessions':
      case `DELETE /auth/sessions/${owner}`:
      case 'POST /auth/logout-all':
        return { status: 204 };
    }
    if (path === '/api/graphql') return { json: { data: { token, body } } };
    return path.startsWith('/api/') ? { json: { token, body } } : refusal(404, 'NOT_FOUND');
  }

  /** The user's id is the e-mail address, so that a test can read who it is. */
  private grant(id: string, user: string, isBody: boolean): Reply {
    const known = this.generations.get(id) ?? { user, generation: 0 };
    this.generations.set(id, known);
    const refreshToken = `${id}.${known.generation}`;
    return {
      headers: isBody ? {} : { 'set-cookie': `refresh_token=${refreshToken}` },
      json: {
        accessToken: `at.${id}.${known.generation}.${++this.minted}`,
        tokenType: 'Bearer',
        expiresIn: this.expiresIn,
        user: { id: user, email: user, roles: ['user'] },
        session: { id, generation: known.generation, expiresAt: '2027-01-01T00:00:00.000Z' },
        ...(isBody ? { refreshToken } : {}),
      },
    };
  }
}
