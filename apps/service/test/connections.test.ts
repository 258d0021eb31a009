import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Api } from '../../../test/support/http.js';
import { Connections } from '../src/connections.js';

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

/** A connection on which a request was answered. */
async function used(port: number): Promise<Socket> {
  const socket = await open(port);
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

describe(Connections.name, () => {
  it('accepts nothing new, and answers what is in flight', async () => {
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
    while (server?.listening) await turn();
    await expect(open(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    answer();
    expect((await inFlight).text).toBe('answered');
    await drained;
  });

  it.each([
    ['on a connection that has just been opened', async (port: number) => connect(port, '127.0.0.1')],
    ['on a connection that was idle', used],
  ])('answers a request that was sent before the stop and read after it, %s', async (_where, connected) => {
    const { connections, port } = await serve((_request, response) => response.end('answered'));
    const socket = await connected(port);
    sockets.push(socket);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    if (socket.connecting) await once(socket, 'connect');
    // Sent in the same turn as the stop: the server has not read it yet.
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const drained = connections.drain(5000);
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*answered/);
    await drained;
  });

  it('answers requests on connections that the system accepted and Node has not seen', async () => {
    const { connections, port } = await serve((_request, response) => response.end('answered'));
    const answers = Array.from({ length: 20 }, () => new Api(`http://127.0.0.1:${port}`).send('GET', '/'));
    // Lets the clients connect before the server sees them.
    await new Promise((resolve) => setImmediate(resolve));
    const drained = connections.drain(5000);
    for (const { text } of await Promise.all(answers)) expect(text).toBe('answered');
    await drained;
  });

  it('ends idle connections soon', async () => {
    const { connections, port } = await serve((_request, response) => response.end());
    const idle = await open(port);
    const ended = once(idle, 'close');
    await connections.drain(5000);
    await ended;
  });

  it('waits no longer than the limit for a request that is never answered', async () => {
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
