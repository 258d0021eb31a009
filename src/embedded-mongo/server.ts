import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';

import { ChangeLog } from './change-log.js';
import type { ConnectionState, ServerState } from './commands/command.js';
import { type Execution, errorReply, execute } from './commands/execute.js';
import { Cursors } from './cursors.js';
import type { Journal } from './journal.js';
import { type WriteIdentity, RetryableWrites } from './retryable-writes.js';
import { Store } from './store.js';
import { removeExpired } from './ttl-monitor.js';
import type { Document } from './values.js';
import { BrokenStream, FrameReader, type Request, decodeRequest, encodeReply } from './wire.js';

/** The sockets, and what all of them share. */
export class MongoWireServer {
  private readonly store: Store;
  private readonly retries: RetryableWrites;
  private readonly cursors = new Cursors();
  private readonly changeLog = new ChangeLog();
  private readonly sockets = new Set<Socket>();
  private readonly tcp: Server;
  private readonly timer: NodeJS.Timeout;
  private lastConnectionId = 0;
  private boundPort = 0;

  constructor(
    store: Store,
    retries: RetryableWrites,
    private readonly journal: Journal | undefined,
    ttlMonitorIntervalMs: number,
  ) {
    this.store = store;
    this.retries = retries;
    this.tcp = createServer({ noDelay: true }, (socket) => this.accept(socket));
    this.timer = setInterval(() => this.tidy(), ttlMonitorIntervalMs).unref();
  }

  get port(): number {
    return this.boundPort;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.tcp.once('error', reject);
      // Never another address: nothing here asks who is calling.
      this.tcp.listen(port, '127.0.0.1', () => {
        this.tcp.off('error', reject);
        resolve();
      });
    });
    this.boundPort = (this.tcp.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.cursors.killAll();
    for (const socket of this.sockets) socket.destroy();
    if (this.tcp.listening) await new Promise((resolve) => this.tcp.close(resolve));
    this.journal?.close();
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    // A connection may break at any time; that is the client's affair.
    socket.on('error', () => socket.destroy());
    const connection = this.describe(socket);
    const frames = new FrameReader();
    // Commands of one connection run in order, also behind one that waits for news.
    let waiting: Promise<void> | undefined;
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of frames.push(chunk)) {
          const request = decodeRequest(frame);
          const turn = waiting
            ? waiting.then(() => this.answer(socket, connection, request))
            : this.answer(socket, connection, request);
          if (!turn) continue;
          const mine: Promise<void> = turn.then(() => {
            if (waiting === mine) waiting = undefined;
          });
          waiting = mine;
        }
      } catch (error) {
        if (!(error instanceof BrokenStream)) throw error;
        socket.destroy();
      }
    });
  }

  private describe(socket: Socket): ConnectionState {
    const remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    return { id: ++this.lastConnectionId, remoteAddress, metadataSent: false };
  }

  /** At once where possible; only what has to wait gives a promise. */
  private answer(socket: Socket, connection: ConnectionState, request: Request): Promise<void> | undefined {
    const { body } = request;
    const reply =
      'fault' in body ? errorReply(body.fault) : execute(this.execution(connection), body.command);
    if (reply instanceof Promise) return reply.then((doc) => this.send(socket, request, doc));
    this.send(socket, request, reply);
    return undefined;
  }

  private send(socket: Socket, request: Request, reply: Document): void {
    if (!request.moreToCome && socket.writable) socket.write(encodeReply(request, reply));
  }

  private execution(connection: ConnectionState): Execution {
    const server: ServerState = {
      ...{ store: this.store, cursors: this.cursors, changeLog: this.changeLog, port: this.boundPort },
    };
    return {
      ...{ server, connection },
      settle: (write) => this.settle(write),
      identify: (command) => this.retries.identify(command),
      replyTo: (identity) => this.retries.replyTo(identity),
    };
  }

  /** First the journal, then everybody else: what is acknowledged or seen must survive a restart. */
  private settle(write?: { identity: WriteIdentity; reply: Document }): void {
    const changes = this.store.takeChanges();
    if (changes.length > 0) this.journal?.append(changes, write);
    if (write) this.retries.remember(write.identity, write.reply);
    if (changes.length > 0) this.changeLog.publish(changes);
  }

  private tidy(): void {
    const now = Date.now();
    removeExpired(this.store, now);
    this.settle();
    this.cursors.dropIdle(now);
    this.retries.dropIdle(now);
  }
}
