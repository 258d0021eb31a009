import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Answer } from '../../support/http.js';
import type { Fault } from './faults.js';

const ROOT = new URL('../../../', import.meta.url);
const PAGES: Record<string, [path: string, type: string]> = {
  '/': ['test/browser/support/app.html', 'text/html; charset=utf-8'],
  '/axios.js': ['node_modules/axios/dist/esm/axios.min.js', 'text/javascript'],
};
/** A policy that forbids everything that injected markup would need. */
const STRICT =
  "require-trusted-types-for 'script'; trusted-types 'none'; connect-src 'self'; object-src 'none'";
const ELSEWHERE = '<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>';

/** A request that reached the gateway. */
export interface Seen {
  /** Method and path: `POST /auth/refresh`. */
  readonly route: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
  /** Monotonic, in ms. */
  readonly at: number;
  /** The status of the answer; `undefined` if there is none yet, or if it was lost. */
  status?: number;
}

/**
 * The proxy before a service: serves the pages, `/auth` and a guarded `/api` on one origin, and injects
 * faults by route. Each answer closes its connection, because a browser by itself repeats requests that fail
 * on a reused one.
 */
export class Gateway {
  readonly requests: Seen[] = [];
  private readonly rules: { route: string; fault: Fault; times: number }[] = [];

  private constructor(
    private readonly server: Server,
    readonly origin: string,
    private target: string,
  ) {}

  static async open(): Promise<Gateway> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const gateway = new Gateway(server, `http://127.0.0.1:${port}`, '');
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      gateway.handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
    return gateway;
  }

  /** Sets the service behind the gateway. */
  leadTo(origin: string): void {
    this.target = origin;
  }

  /** Applies the fault to the next `times` requests of the route. Returns the function that ends it earlier. */
  fault(route: string, fault: Fault, times = 1): () => void {
    const rule = { route, fault, times };
    this.rules.push(rule);
    return () => void (rule.times = 0);
  }

  count(route: string): number {
    return this.of(route).length;
  }

  of(route: string): Seen[] {
    return this.requests.filter((seen) => seen.route === route);
  }

  /** Also removes faults that were not used. */
  reset(): void {
    this.requests.length = 0;
    this.rules.length = 0;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.on('error', () => undefined);
    const { method = '', url = '', headers } = incoming;
    const body = await readAll(incoming);
    const [path = ''] = url.split('?');
    outgoing.shouldKeepAlive = false;
    if (!/^\/(auth|api)\//.test(path)) return servePage(path, outgoing);

    const seen: Seen = {
      route: `${method} ${path}`,
      url,
      authorization: headers.authorization,
      body: body.toString(),
      at: performance.now(),
    };
    this.requests.push(seen);
    const forward = async (): Promise<Answer> => {
      const answer = path.startsWith('/api/')
        ? await this.callApi(seen, headers)
        : await this.call(method, url, headers, body);
      seen.status = answer.status;
      return answer;
    };
    const rule = this.rules.find(({ route, times }) => route === seen.route && times > 0);
    if (rule) rule.times--;
    const answer = rule ? await rule.fault(forward) : await forward();
    if (!answer) return void outgoing.destroy();
    seen.status = answer.status;
    const { connection: _, 'transfer-encoding': __, 'content-length': ___, ...rest } = answer.headers;
    outgoing.writeHead(answer.status, rest).end(answer.text);
  }

  private call(
    method: string,
    path: string,
    headers: IncomingMessage['headers'],
    body?: Buffer,
  ): Promise<Answer> {
    return new Promise((resolve) => {
      const outgoing = request(this.target + path, { method, headers, agent: false }, (answer) => {
        void readAll(answer).then(
          (text) => resolve(new Answer(answer.statusCode ?? 0, answer.headers, text.toString())),
          () => resolve(badGateway()),
        );
      });
      outgoing.on('error', () => resolve(badGateway()));
      outgoing.end(body);
    });
  }

  /** A guarded API: it asks the service whose token it is, and echoes the request. */
  private async callApi({ route, url, body }: Seen, headers: IncomingMessage['headers']): Promise<Answer> {
    const { authorization, host, 'x-page': page } = headers;
    const me = await this.call('GET', '/auth/me', { host, ...(authorization && { authorization }) });
    if (me.status !== 200) return me;
    const shown = { route, url, body, page, user: me.json.email };
    return new Answer(200, { 'content-type': 'application/json' }, JSON.stringify(shown));
  }
}

/** What a reverse proxy answers when its upstream is down. */
const badGateway = (): Answer =>
  new Answer(502, { 'content-type': 'text/html' }, '<html><h1>502 Bad Gateway</h1></html>');

async function servePage(path: string, outgoing: ServerResponse): Promise<void> {
  if (path === '/elsewhere') return void outgoing.setHeader('content-type', 'text/html').end(ELSEWHERE);
  const module = /^\/client\/([\w-]+\.js)$/.exec(path)?.[1];
  if (path === '/strict') outgoing.setHeader('content-security-policy', STRICT);
  const page = module
    ? [`packages/client/dist/${module}`, 'text/javascript']
    : PAGES[path === '/strict' ? '/' : path];
  if (!page) return void outgoing.writeHead(404).end();
  const [file = '', type = ''] = page;
  const content = await readFile(fileURLToPath(new URL(file, ROOT)));
  outgoing.writeHead(200, { 'content-type': type }).end(content);
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
