import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Knows which connections of a server are busy, so that a service that stops waits for answers and for nothing else:
 * Node itself also waits for sockets on which no request has begun.
 */
export class Connections {
  private readonly inFlight = new Map<Socket, number>();
  private isDraining = false;

  constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => {
      this.inFlight.set(socket, 0);
      socket.once('close', () => this.inFlight.delete(socket));
      this.endIfIdle(socket);
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.count(socket, 1);
      response.once('close', () => {
        this.count(socket, -1);
        this.endIfIdle(socket);
      });
    });
  }

  /**
   * Accepts nothing new, ends idle connections now and each busy one after its answer, and whatever is left when the time
   * is over. Resolves when all are gone.
   */
  async drain(limitMs: number): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.isDraining = true;
    for (const socket of this.inFlight.keys()) this.endIfIdle(socket);
    const timer = setTimeout(() => this.server.closeAllConnections(), limitMs);
    await closed;
    clearTimeout(timer);
  }

  private count(socket: Socket, change: number): void {
    const requests = this.inFlight.get(socket);
    if (requests !== undefined) this.inFlight.set(socket, requests + change);
  }

  private endIfIdle(socket: Socket): void {
    if (this.isDraining && this.inFlight.get(socket) === 0) socket.destroySoon();
  }
}
