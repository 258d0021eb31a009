import type { ServerOptions } from 'node:http';
import type { DynamicModule, INestApplication, NestApplicationOptions } from '@nestjs/common';
import type { AppConfig } from '../config/config.js';
import { proxyTrust } from './proxy-trust.js';

export const BODY_LIMIT_BYTES = 16_384;

export type RequestTimeouts = Required<
  Pick<ServerOptions, 'headersTimeout' | 'requestTimeout' | 'connectionsCheckingInterval'>
>;

/** What the service needs of Express or Fastify. Both must give the same answers. */
export interface HttpPlatform {
  create(
    module: DynamicModule,
    config: AppConfig,
    timeouts: RequestTimeouts,
    options: NestApplicationOptions,
  ): Promise<INestApplication>;
  useJsonBodies(app: INestApplication): void;
}

/** The value of `trust proxy` (Express) and `trustProxy` (Fastify). */
export function trustOf({ trustProxy }: AppConfig) {
  return typeof trustProxy === 'boolean' ? trustProxy : proxyTrust(trustProxy);
}
