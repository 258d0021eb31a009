import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { VerifyOnlyAuthModule } from '../../src/verify/index.js';
import type { Adapter } from './host-app.js';
import { Api } from './http.js';

export type VerifyOptions = Parameters<typeof VerifyOnlyAuthModule.forRoot>[0];

/** A service that only verifies, listening on loopback; it has no database. */
export class VerifyingHost {
  private constructor(
    readonly app: INestApplication,
    readonly origin: string,
  ) {}

  static async start(
    adapter: Adapter,
    options: VerifyOptions,
    metadata: ModuleMetadata = {},
    configure: (app: INestApplication) => void = () => {},
  ): Promise<VerifyingHost> {
    const imports = [VerifyOnlyAuthModule.forRoot(options), ...(metadata.imports ?? [])];
    const module = await Test.createTestingModule({ ...metadata, imports }).compile();
    const app =
      adapter === 'fastify'
        ? module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false })
        : module.createNestApplication({ logger: false });
    configure(app);
    await app.listen(0, '127.0.0.1');
    return new VerifyingHost(app, await app.getUrl());
  }

  api(): Api {
    return new Api(this.origin);
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}

/** Serves a key set, fails, or stays silent, as the test sets it. */
export class KeySetServer {
  /** The answer; `null` to never answer. */
  answer: { readonly status?: number; readonly body: unknown } | null = { body: { keys: [] } };
  fetched = 0;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<KeySetServer> {
    const server = createServer((_request, response) => {
      own.fetched += 1;
      if (!own.answer) return;
      const { status = 200, body } = own.answer;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    const own = new KeySetServer(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return own;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks.json`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
