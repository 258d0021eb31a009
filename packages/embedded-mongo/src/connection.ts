import type { Socket } from 'node:net';
import { errorReply, execute, type Execution } from './commands/execute.js';
import { nextInvocation } from './commands/hello.js';
import { BrokenStream, FrameReader } from './engine/frame-reader.js';
import type { Document } from './engine/values.js';
import { decodeRequest, encodeReply, type ReplyTarget, type Request, requestIdOf } from './engine/wire.js';

/** One client: reads its messages and sends the replies in the same order. */
export class Connection {
  private readonly frames = new FrameReader();
  /** Set while a command waits, for example for a change; later commands wait for it. */
  private waiting: Promise<void> | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly execution: Execution,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => socket.destroy());
  }

  /** Malformed bytes of one client close its connection and no other. */
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

  /** Replies at once; returns a promise only for a command that has to wait. */
  private answer({
    requestId,
    legacy,
    moreToCome,
    exhaustAllowed,
    body,
  }: Request): Promise<void> | undefined {
    const isAnswered = !moreToCome;
    const target: ReplyTarget = { responseTo: requestId, legacy, moreToCome: false };
    if ('fault' in body) {
      if (isAnswered) this.send(target, errorReply(body.fault));
      return undefined;
    }
    if (exhaustAllowed) return this.answerSeries(target, body.command);
    const reply = execute(this.execution, body.command);
    if (reply instanceof Promise) return reply.then((doc) => void (isAnswered && this.send(target, doc)));
    if (isAnswered) this.send(target, reply);
    return undefined;
  }

  /** Sends one reply after another while the client reads them; a slow reader holds them up. */
  private async answerSeries(target: ReplyTarget, command: Document): Promise<void> {
    let next: Document | undefined = command;
    while (next && this.socket.writable) {
      const asked: Document = next;
      const reply = await execute(this.execution, asked, true);
      next = nextInvocation(asked, reply);
      const sent = this.send({ ...target, moreToCome: next !== undefined }, reply);
      if (sent) target = { ...target, responseTo: requestIdOf(sent) };
      if (next) await this.isDrained();
    }
  }

  private send(target: ReplyTarget, reply: Document): Buffer | undefined {
    if (!this.socket.writable) return undefined;
    const bytes = encoded(target, reply);
    this.socket.write(bytes);
    return bytes;
  }

  private async isDrained(): Promise<void> {
    const { socket, execution } = this;
    const { closed } = execution.connection;
    if (!socket.writableNeedDrain || closed.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done);
        closed.removeEventListener('abort', done);
        resolve();
      };
      socket.on('drain', done);
      closed.addEventListener('abort', done);
    });
  }
}

function encoded(target: ReplyTarget, reply: Document): Buffer {
  try {
    return encodeReply(target, reply);
  } catch (error) {
    return encodeReply(target, errorReply(error));
  }
}

/** A defect of this server: printed, but the server goes on. */
export function reportUnexpected(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`Embedded development database: unexpected error: ${text}\n`);
}
