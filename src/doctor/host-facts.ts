import type { HttpAdapterHost } from '@nestjs/core';
import type { HostFacts } from './checks/facts.js';

/** A documentation address (RFC 5737), and more proxies than any setup has: trusted only if everybody is. */
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
 * Reads routes and proxy settings from the server, after the routes are registered.
 * @param refreshRoute the end of the path of the refresh; null if the host has its own route
 */
export function readHost(
  adapter: Adapter,
  refreshRoute: string | null,
): Pick<HostFacts, 'refreshPaths' | 'proxyTrust'> {
  try {
    const type = adapter?.getType();
    const instance: unknown = adapter?.getInstance();
    const isRefresh = (path: string) => refreshRoute !== null && path.endsWith(refreshRoute);
    if (type === 'express') {
      const express = instance as ExpressLike;
      return { refreshPaths: expressRoutes(express).filter(isRefresh), proxyTrust: expressTrust(express) };
    }
    if (type === 'fastify') {
      const fastify = instance as FastifyLike;
      return { refreshPaths: fastifyRoutes(fastify).filter(isRefresh), proxyTrust: fastifyTrust(fastify) };
    }
    return { refreshPaths: [], proxyTrust: null };
  } catch {
    // The internals differ in this version of the server: report nothing.
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

/**
 * Parses one line per path: `├── /auth/refresh (POST)`. Fastify lists its routes only as text, `hasRoute` needs the full
 * path, and an `onRoute` hook could come too late: Nest may create providers before the adapter.
 */
function fastifyRoutes(app: FastifyLike): string[] {
  const lines = app.printRoutes({ commonPrefix: false, method: 'POST' }).split('\n');
  return lines.flatMap((line) => /^[├└]── (\S+) \(/.exec(line)?.[1] ?? []);
}

/** Fastify exposes this option only under a symbol. */
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
