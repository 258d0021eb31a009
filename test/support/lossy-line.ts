import { connect, createServer, type Server, type Socket } from 'node:net';
import { Answer } from './http.js';

/** A connection to a service that carries one request, waits for the whole answer, and then breaks. */
export class LossyLine {
  /** The lost answer; `null` if the service closed the connection before it answered. */
  readonly lost: Promise<Answer | null>;

  private constructor(
    private readonly server: Server,
    readonly origin: string,
    target: URL,
    delivered: number,
  ) {
    this.lost = new Promise((resolve) => {
      server.once('connection', (client) => resolve(loseAnswer(client, target, delivered)));
      server.once('close', () => resolve(null));
    });
  }

  /** @param delivered how many bytes of the answer still arrive */
  static async open(origin: string, delivered = 0): Promise<LossyLine> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    return new LossyLine(server, `http://127.0.0.1:${port}`, new URL(origin), delivered);
  }

  close(): void {
    this.server.close();
  }
}

async function loseAnswer(client: Socket, target: URL, delivered: number): Promise<Answer | null> {
  const service = connect(Number(target.port), target.hostname);
  client.on('error', () => undefined);
  client.pipe(service);
  const chunks: Buffer[] = [];
  const answer = await new Promise<Answer | null>((resolve) => {
    service.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const complete = parse(Buffer.concat(chunks).toString());
      if (complete) resolve(complete);
    });
    service.on('error', () => resolve(null));
    service.on('close', () => resolve(null));
  });
  service.destroy();
  const bytes = Buffer.concat(chunks).subarray(0, delivered);
  if (bytes.length === 0) client.destroy();
  else client.write(bytes, () => client.destroy());
  return answer;
}

/** Parses an HTTP/1.1 answer with `Content-Length`; `null` while it is incomplete. */
function parse(text: string): Answer | null {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'set-cookie') cookies.push(value);
    else headers[name] = value;
  }
  const body = text.slice(end + 4);
  if (Buffer.byteLength(body) < Number(headers['content-length'] ?? 0)) return null;
  return new Answer(Number(statusLine.split(' ')[1]), { ...headers, 'set-cookie': cookies }, body);
}
