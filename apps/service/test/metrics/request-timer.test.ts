import { once } from 'node:events';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { Exposition } from '../../../../test/support/exposition.js';
import { Api } from '../../../../test/support/http.js';
import { Operations } from '../../src/metrics/operations.js';
import { RequestTimer } from '../../src/metrics/request-timer.js';

const NAME = 'silent_auth_http_request_duration_seconds';
const PATHS = {
  '/slow': { get: { operationId: 'slow', tags: [] } },
  '/live': { get: { operationId: 'live', tags: ['Health'] } },
};

describe(RequestTimer, () => {
  let registry: Registry;
  let server: Server;
  let answer: (response: ServerResponse) => void;
  let closed: Promise<unknown>;

  beforeEach(async () => {
    registry = new Registry();
    const timer = new RequestTimer(registry, new Operations(PATHS, new Set(['Health'])));
    server = createServer((incoming, response) =>
      timer.middleware(incoming, response, () => {
        // Runs after the timer, whose listener was added first.
        closed = once(response, 'close');
        answer(response);
      }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const port = () => (server.address() as AddressInfo).port;
  const api = () => new Api(`http://127.0.0.1:${port()}`);
  const scrape = async () => new Exposition(await registry.metrics());
  const counted = async () =>
    (await scrape())
      .samples(`${NAME}_count`)
      .filter(({ value }) => value > 0)
      .map(({ labels, value }): Record<string, string | number> => ({ ...labels, value }));

  it('measures until the answer is complete, in seconds', async () => {
    answer = (response) => setTimeout(() => response.end('done'), 60);
    const from = performance.now();
    await api().send('GET', '/slow?q=1');
    await closed;
    const tookMs = performance.now() - from;
    expect(await counted()).toEqual([{ operation: 'slow', method: 'GET', status: '2xx', value: 1 }]);
    const seconds = (await scrape()).value(`${NAME}_sum`);
    expect(seconds).toBeGreaterThan(0.05);
    expect(seconds * 1000).toBeLessThanOrEqual(tookMs);
  });

  it('distinguishes status classes, and clients that left before the answer', async () => {
    for (const status of [204, 304, 404, 503]) {
      answer = (response) => response.writeHead(status).end();
      await api().send('GET', '/slow');
      await closed;
    }
    answer = () => leaving.destroy();
    const leaving = request({ port: port(), host: '127.0.0.1', path: '/slow' });
    leaving.on('error', () => undefined);
    leaving.end();
    // `once` would treat it as a failure, because an error comes first.
    await new Promise((resolve) => leaving.once('close', resolve));
    await closed;
    const statuses = (await counted()).map(({ status }) => status);
    expect(statuses.sort()).toEqual(['2xx', '3xx', '4xx', '5xx', 'aborted']);
  });

  it('begins with the failures of each operation at 0, so that the first one is visible', async () => {
    expect((await scrape()).value(`${NAME}_count`, { operation: 'slow', status: '5xx' })).toBe(0);
  });

  it('creates no label from what clients send', async () => {
    answer = (response) => response.end();
    for (const method of ['GET', 'PROPFIND', 'M-SEARCH'])
      for (const path of ['/nobody', '/serves', '/these', '/live'])
        await api()
          .send(method, path)
          .then(() => closed);
    // Polled routes are not measured; with another method they count like any path.
    expect(await counted()).toEqual([
      { operation: 'other', method: 'GET', status: '2xx', value: 3 },
      { operation: 'other', method: 'other', status: '2xx', value: 8 },
    ]);
  });
});
