import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

/** A request sent before the stop may still be on its way to a connection that looks idle. */
const REQUEST_UNDER_WAY_MS = 500;
/** New clients may connect faster than they are accepted. */
const WAITING_LIMIT_MS = 200;

/**
 * Tracks which connections of a server are busy, so that a stopping service waits only for pending answers: Node
 * itself also waits for sockets on which no request has begun.
 */
export class Connections {
  private readonly inFlight = new Map<Socket, number>();
  private taken = 0;
  private isDraining = false;

  constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => {
      this.taken += 1;
      this.inFlight.set(socket, 0);
      socket.once('close', () => this.inFlight.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.count(socket, 1);
      response.once('close', () => {
        this.count(socket, -1);
        if (this.isDraining) this.endIfIdle(socket);
      });
    });
  }

  /**
   * Accepts no new connections, closes each one after its answer, idle ones after half a second, and the rest at
   * the time limit. Resolves when all are closed.
   */
  async drain(limitMs: number): Promise<void> {
    const limit = setTimeout(() => this.server.closeAllConnections(), limitMs);
    await this.takeWaiting();
    this.isDraining = true;
    // Not `close` of the HTTP server, which closes idle connections at once.
    const closed = new Promise((resolve) => NetServer.prototype.close.call(this.server, resolve));
    const idle = setTimeout(() => this.endIdle(), REQUEST_UNDER_WAY_MS);
    await closed;
    clearTimeout(idle);
    clearTimeout(limit);
  }

  /** The system has accepted connections that Node has not seen yet; closing the server would reset them. */
  private async takeWaiting(): Promise<void> {
    const until = performance.now() + WAITING_LIMIT_MS;
    for (let quietTurns = 0; quietTurns < 2 && performance.now() < until; quietTurns += 1) {
      const { taken } = this;
      await turn();
      if (this.taken > taken) quietTurns = 0;
    }
  }

  private count(socket: Socket, change: number): void {
    const requests = this.inFlight.get(socket);
    if (requests !== undefined) this.inFlight.set(socket, requests + change);
  }

  private endIdle(): void {
    for (const socket of this.inFlight.keys()) this.endIfIdle(socket);
  }

  private endIfIdle(socket: Socket): void {
    if (this.inFlight.get(socket) === 0) socket.destroySoon();
  }
}
