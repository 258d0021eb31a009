import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { databaseUri } from '../../../test/support/database.js';
import { ACCESS_SECRET, REFRESH_SECRET } from '../../../test/support/service.js';
import { createApp } from '../src/app/create-app.js';
import { readConfig } from '../src/config/config.js';

const HEAD = 'POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const SHORT = { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 50 };

describe.each(['express', 'fastify'])('a request that does not end, on %s', (HTTP_ADAPTER) => {
  let app: INestApplication;
  let port: number;

  beforeAll(async () => {
    const config = readConfig({
      NODE_ENV: 'test',
      HTTP_ADAPTER,
      LOG_LEVEL: 'silent',
      MONGODB_URI: databaseUri('slow'),
      JWT_ACCESS_KEYS: ACCESS_SECRET,
      JWT_REFRESH_KEYS: REFRESH_SECRET,
    });
    app = await createApp(config, config.database.uri ?? '', undefined, SHORT);
    await app.listen(0, '127.0.0.1');
    port = Number(new URL(await app.getUrl()).port);
  });
  afterAll(() => app.close());

  it.each([
    ['has a part of its body', `${HEAD}Content-Length: 100\r\n\r\n{`],
    ['has a part of its body in chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`],
    ['has a part of its head', HEAD],
  ])(
    '%s: is ended',
    async (_what, bytes) => {
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(bytes);
      await once(socket, 'close');
      expect(answer).toMatch(/^$|^HTTP\/1\.1 408 /);
    },
    // Node's own limits are longer, so they must not end it.
    50_000,
  );
});
