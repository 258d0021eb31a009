import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { Connections } from '../../src/app/connections.js';
import { Api } from '../support/http.js';

let server: Server | undefined;
const sockets: Socket[] = [];

afterEach(() => {
  sockets.splice(0).forEach((socket) => socket.destroy());
  server?.closeAllConnections();
  server?.close();
});

async function serve(listener: RequestListener): Promise<{ connections: Connections; port: number }> {
  server = createServer(listener);
  const connections = new Connections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { connections, port: (server.address() as AddressInfo).port };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

describe(Connections.name, () => {
  it('accepts nothing new from the first moment, and answers what is in flight', async () => {
    let answer = () => {};
    let begun = () => {};
    const arrived = new Promise<void>((resolve) => (begun = resolve));
    const { connections, port } = await serve((_request, response) => {
      answer = () => response.end('answered');
      begun();
    });
    const inFlight = new Api(`http://127.0.0.1:${port}`).send('GET', '/');
    await arrived;
    const drained = connections.drain(5000);
    await expect(open(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    answer();
    expect((await inFlight).text).toBe('answered');
    await drained;
  });

  it('ends idle connections at once', async () => {
    const { connections, port } = await serve((_request, response) => response.end());
    const idle = await open(port);
    const ended = once(idle, 'close');
    await connections.drain(5000);
    await ended;
  });

  it('a request that is never answered holds it up no longer than the limit', async () => {
    let begun = () => {};
    const arrived = new Promise<void>((resolve) => (begun = resolve));
    const { connections, port } = await serve(() => begun());
    const socket = await open(port);
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await arrived;
    await connections.drain(50);
  });
});
