import { Inject, Injectable, VersioningType } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import type { ControllerRoute } from '../http/controller-at.js';
import type { ShadowedRoute } from './checks/facts.js';

/** Injection token of the routes of the library, as its controllers declare them. */
export const LIBRARY_ROUTES = Symbol('LIBRARY_ROUTES');

interface ExpressLike {
  readonly router?: { readonly stack: readonly ExpressLayer[] };
}
interface ExpressLayer {
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}
interface Served {
  readonly path: string;
  readonly layer: ExpressLayer;
}

/**
 * Finds routes that two controllers serve. Express silently calls the one that was registered first; Fastify refuses to
 * start.
 */
@Injectable()
export class ShadowedRoutes {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly config: ApplicationConfig,
    @Inject(LIBRARY_ROUTES) private readonly routes: readonly ControllerRoute[],
  ) {}

  find(): ShadowedRoute[] {
    try {
      return this.routes.flatMap((route) => this.shadowsOf(route));
    } catch {
      // The internals differ in this version of Express: report nothing.
      return [];
    }
  }

  private shadowsOf({ method, path }: ControllerRoute): ShadowedRoute[] {
    const served = this.servedBy(method);
    const full = this.fullPath(path);
    const [own, second] = served.filter((each) => each.path === full);
    if (!own) return [];
    const url = full.replaceAll(/:\w+/g, 'x');
    const first = served.slice(0, served.indexOf(own)).find(({ layer }) => layer.match(url));
    const by = first ?? second;
    return by ? [{ method: method.toUpperCase(), path: full, by: by.path }] : [];
  }

  /** The routes in the order in which Express matches them. */
  private servedBy(method: string): Served[] {
    const { httpAdapter } = this.adapterHost as { readonly httpAdapter?: HttpAdapterHost['httpAdapter'] };
    if (httpAdapter?.getType() !== 'express' || this.isVersionedByRequest) return [];
    const { router } = httpAdapter.getInstance<ExpressLike>();
    return (router?.stack ?? []).flatMap((layer) => {
      const { path, methods } = layer.route ?? {};
      const isOfMethod = methods?.[method] === true || methods?.['_all'] === true;
      return isOfMethod && typeof path === 'string' ? [{ path, layer }] : [];
    });
  }

  /** If so, routes with one path may belong to different versions. */
  private get isVersionedByRequest(): boolean {
    const type = this.config.getVersioning()?.type;
    return type !== undefined && type !== VersioningType.URI;
  }

  private fullPath(path: string): string {
    return `/${this.config.getGlobalPrefix()}/${path}`.replaceAll(/\/{2,}/g, '/');
  }
}
