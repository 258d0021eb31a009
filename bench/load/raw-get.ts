import { connect, type Socket } from 'node:net';
import { BROWSER } from './http.js';

/**
 * Repeats one GET on an open connection. A client library costs more than the routes that this measures: a bench
 * would then compare the pauses between requests. All answers of a route have the same length, so it counts bytes
 * instead of parsing.
 */
export class RawGet {
  private answered: (() => void) | null = null;
  private failed: ((error: Error) => void) | null = null;
  private awaited = Infinity;
  private received = 0;
  private head = '';

  private socket: Socket;

  private constructor(
    private readonly connect: () => Socket,
    private readonly newRequest: () => Buffer | string,
  ) {
    this.socket = this.open();
  }

  /**
   * @param headersOfEach makes further headers for each request
   * @throws if the first answer is not 200
   */
  static async open(
    origin: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    headersOfEach?: () => Readonly<Record<string, string>>,
  ): Promise<RawGet> {
    const { host, hostname, port } = new URL(origin);
    const head = `GET ${path} HTTP/1.1\r\n${linesOf({ host, ...BROWSER, ...headers })}`;
    const same = Buffer.from(`${head}\r\n`);
    const newRequest = headersOfEach ? () => `${head}${linesOf(headersOfEach())}\r\n` : () => same;
    const get = new RawGet(() => connect(Number(port), hostname), newRequest);
    get.awaited = await get.firstLength();
    return get;
  }

  /** Resolves with the answer. */
  send(): Promise<void> {
    // A server closes connections that are idle, also between a check and a request.
    return this.sendOnce().catch((error: unknown) => {
      if (this.received > 0 || !this.socket.destroyed) throw error;
      return this.sendOnce();
    });
  }

  close(): void {
    this.failed = null;
    this.socket.destroy();
  }

  private sendOnce(): Promise<void> {
    if (this.socket.destroyed) this.socket = this.open();
    this.received = 0;
    return new Promise((resolve, reject) => {
      this.answered = resolve;
      this.failed = reject;
      this.socket.write(this.newRequest());
    });
  }

  private open(): Socket {
    const socket = this.connect();
    const failed = (error: Error) => {
      if (socket === this.socket) this.failed?.(error);
    };
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('the server closed the connection')));
    return socket;
  }

  private async firstLength(): Promise<number> {
    await this.send();
    const [head = ''] = this.head.split('\r\n\r\n', 1);
    const [, length] = /^content-length: (\d+)$/im.exec(head) ?? [];
    if (!head.startsWith('HTTP/1.1 200 ') || length === undefined) throw new Error(`not 200: ${this.head}`);
    return head.length + 4 + Number(length);
  }

  private receive(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.awaited === Infinity) {
      this.head += chunk.toString('latin1');
      if (this.head.includes('\r\n\r\n')) this.answered?.();
    } else if (this.received === this.awaited) this.answered?.();
    else if (this.received > this.awaited) this.failed?.(new Error('an answer differed from the first one'));
  }
}

function linesOf(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
