import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { KeyRing } from '../../tokens/keys/key-ring.js';
import { KEY_SET_PATH, metadataPaths, serverMetadata } from './server-metadata.js';

/** Injection token of {@link WellKnownMounts}. */
export const WELL_KNOWN_MOUNTS = Symbol('WELL_KNOWN_MOUNTS');

export interface WellKnownMounts {
  readonly routePrefix: string;
  readonly hasKeySet: boolean;
  readonly hasOauth: boolean;
}

/**
 * Serves the public halves of the access keys (RFC 7517 §5) and the server metadata (RFC 8414). It uses routes of the
 * adapter, not of a controller, because well-known documents are at the root of the host, without its global prefix,
 * versions and interceptors.
 */
@Injectable()
export class WellKnownRoutes implements OnModuleInit {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly config: ApplicationConfig,
    private readonly keyRing: KeyRing,
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(WELL_KNOWN_MOUNTS) private readonly mounts: WellKnownMounts,
  ) {}

  onModuleInit(): void {
    const { routePrefix, hasKeySet, hasOauth } = this.mounts;
    if (!hasKeySet) return;
    this.serve(KEY_SET_PATH, () => this.keyRing.publicKeys());
    const path = `${this.config.getGlobalPrefix()}/${routePrefix}`;
    const metadata = serverMetadata(this.options, { path, hasKeySet, hasOauth });
    for (const each of metadataPaths(this.options.issuer)) this.serve(each, () => metadata);
  }

  private serve(path: string, document: () => object): void {
    // Microservices and scripts have no HTTP adapter.
    const httpAdapter = this.adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    if (typeof httpAdapter?.get !== 'function') return;
    httpAdapter.get(path, (_request: unknown, response: unknown) => {
      httpAdapter.setHeader(response, 'Cache-Control', 'public, max-age=300');
      httpAdapter.reply(response, document(), 200);
    });
  }
}
