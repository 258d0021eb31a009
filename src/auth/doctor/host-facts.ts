import type { HttpAdapterHost } from '@nestjs/core';
import type { HostFacts } from '../../core/doctor/facts.js';

/** An address of nobody (RFC 5737), behind more proxies than anybody has. */
const STRANGER = '203.0.113.7';
const FAR = 99;

type Adapter = HttpAdapterHost['httpAdapter'] | undefined;
type TrustFunction = (address: string, hop: number) => boolean;

interface ExpressLike {
  get(name: string): unknown;
  readonly router?: { readonly stack: readonly ExpressLayer[] };
}
interface ExpressLayer {
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
}
interface FastifyLike {
  printRoutes(options: { commonPrefix: boolean; method: string }): string;
}

/**
 * What of the application concerns us, read from the server itself once its routes are there.
 * @param refreshRoute how the path of the refresh ends; null where the host serves its own
 */
export function readHost(adapter: Adapter, refreshRoute: string | null): Omit<HostFacts, 'hasIgnoredProxy'> {
  try {
    const type = adapter?.getType();
    const instance: unknown = adapter?.getInstance();
    const routes =
      type === 'express'
        ? expressRoutes(instance as ExpressLike)
        : type === 'fastify'
          ? fastifyRoutes(instance as FastifyLike)
          : [];
    const proxyTrust =
      type === 'express'
        ? expressTrust(instance as ExpressLike)
        : type === 'fastify'
          ? fastifyTrust(instance as object)
          : null;
    const isRefresh = (path: string) => refreshRoute !== null && path.endsWith(refreshRoute);
    return { refreshPaths: routes.filter(isRefresh), proxyTrust };
  } catch {
    // A version of the server that is built otherwise: what is not known is not told.
    return { refreshPaths: [], proxyTrust: null };
  }
}

function expressRoutes({ router }: ExpressLike): string[] {
  return (router?.stack ?? []).flatMap(({ route }) =>
    route?.methods['post'] === true && typeof route.path === 'string' ? [route.path] : [],
  );
}

function expressTrust(app: ExpressLike): HostFacts['proxyTrust'] {
  if (!app.get('trust proxy')) return 'none';
  return trustOf(app.get('trust proxy fn'));
}

/** One line for each path: `├── /auth/refresh (POST)`. */
function fastifyRoutes(app: FastifyLike): string[] {
  const lines = app.printRoutes({ commonPrefix: false, method: 'POST' }).split('\n');
  return lines.flatMap((line) => /^[├└]── (\S+) \(/.exec(line)?.[1] ?? []);
}

/** Fastify keeps its options under a symbol, and tells of this one nowhere else. */
function fastifyTrust(app: object): HostFacts['proxyTrust'] {
  const symbol = Object.getOwnPropertySymbols(app).find(
    ({ description }) => description === 'fastify.options',
  );
  const options = symbol && (app as Record<symbol, { trustProxy?: unknown } | undefined>)[symbol];
  if (!options) return null;
  const { trustProxy } = options;
  if (trustProxy === true) return 'all';
  if (!trustProxy) return 'none';
  return trustOf(trustProxy);
}

function trustOf(trust: unknown): HostFacts['proxyTrust'] {
  return typeof trust === 'function' && (trust as TrustFunction)(STRANGER, FAR) ? 'all' : 'some';
}
