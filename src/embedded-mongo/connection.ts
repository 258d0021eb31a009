import type { Socket } from 'node:net';

import { type Execution, errorReply, execute } from './commands/execute.js';
import type { Document } from './values.js';
import { BrokenStream, FrameReader } from './frame-reader.js';
import { type Request, decodeRequest, encodeReply } from './wire.js';

/** One client: its messages in, its replies out, in order. */
export class Connection {
  private readonly frames = new FrameReader();
  /** Set while a command waits for news; those behind it wait for it. */
  private waiting: Promise<void> | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly execution: Execution,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // A connection may break at any time; that is the client's affair.
    socket.on('error', () => socket.destroy());
  }

  /** Whatever goes wrong with the bytes of one client ends its connection, and nobody else's. */
  private receive(chunk: Buffer): void {
    try {
      for (const frame of this.frames.push(chunk)) this.enqueue(decodeRequest(frame));
    } catch (error) {
      if (!(error instanceof BrokenStream)) reportUnexpected(error);
      this.socket.destroy();
    }
  }

  private enqueue(request: Request): void {
    const turn = this.waiting ? this.waiting.then(() => this.answer(request)) : this.answer(request);
    if (!turn) return;
    const mine: Promise<void> = turn.then(() => {
      if (this.waiting === mine) this.waiting = undefined;
    });
    this.waiting = mine;
  }

  /** At once where possible; only what has to wait gives a promise. */
  private answer(request: Request): Promise<void> | undefined {
    const { body } = request;
    const reply = 'fault' in body ? errorReply(body.fault) : execute(this.execution, body.command);
    if (reply instanceof Promise) return reply.then((doc) => this.send(request, doc));
    this.send(request, reply);
    return undefined;
  }

  private send(request: Request, reply: Document): void {
    if (request.moreToCome || !this.socket.writable) return;
    this.socket.write(this.encoded(request, reply));
  }

  private encoded(request: Request, reply: Document): Buffer {
    try {
      return encodeReply(request, reply);
    } catch (error) {
      return encodeReply(request, errorReply(error));
    }
  }
}

/** A fault of this server, which must be seen and must not take down a development session. */
export function reportUnexpected(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`Embedded MongoDB stand-in: unexpected error: ${text}\n`);
}
