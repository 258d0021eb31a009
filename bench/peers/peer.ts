import { readFileSync } from 'node:fs';
import type { Adapter } from '../host/host-app.js';
import type { Answer, Call, HttpClient } from '../load/http.js';

/** What a client of a peer holds. Where a session has one cookie for everything, both are that cookie. */
export interface Credentials {
  readonly refresh: string;
  readonly access: string;
}

/** A server that the product is compared with, or the product itself. */
export interface Peer {
  /** For the command line. */
  readonly name: string;
  /** For tables. */
  readonly title: string;
  /** The framework of the product that it is compared with: its own, or the cheaper one. */
  readonly against: Adapter;
  /** What it does at a refresh. */
  readonly refreshes: string;
  readonly server: PeerServer;
  /** Makes a user with one session. */
  signIn(http: HttpClient): Promise<Credentials>;
  refresh(credentials: Credentials): Call;
  /** @throws if an answer with status 2xx has no session: it would look fast */
  renewed(answer: Answer, credentials: Credentials): Credentials;
  /** A GET with headers only; its answers have a `Content-Length`, always the same. */
  guarded(credentials: Credentials): Call;
  /** The same route without a guard; null if it has none. */
  readonly openPath: string | null;
  /** Null if it has no logout. */
  readonly logout: ((credentials: Credentials) => Call) | null;
  /** What two refresh tokens have in common if they are the same one, signed again. */
  readonly identity?: (refreshToken: string) => string;
}

/**
 * How a server is started: `node` with these arguments, in `folder`. It finds its port on loopback in PORT, its own
 * database in MONGODB_URI and Redis in REDIS_URL, and prints a line with `readyWhen` when it listens.
 */
export interface PeerServer {
  readonly folder: URL;
  readonly script: string;
  /** Whether `folder` has a package.json of its own, which is installed before the first start. */
  readonly isInstalled: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly needsRedis?: boolean;
  readonly readyWhen?: string;
}

/** The dependencies of a server's own package.json; null if it has none. */
export function versionsOf({ folder, isInstalled }: PeerServer): string | null {
  if (!isInstalled) return null;
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
  return Object.entries(dependencies)
    .map(([name, version]) => `${name} ${String(version)}`)
    .join(', ');
}

export const ORDERS = { guarded: '/orders/guarded', open: '/orders/open' } as const;

const ROOT = new URL('./', import.meta.resolve('nestjs-silent-auth/package.json'));

/** A server in `bench/peers/<name>/server.mjs` with dependencies of its own. */
export function installed(name: string, over: Partial<PeerServer> = {}): PeerServer {
  const folder = new URL(`bench/peers/${name}/`, ROOT);
  return { folder, script: 'server.mjs', isInstalled: true, ...over };
}

/** A server that this repository builds. */
export function built(script: string, over: Partial<PeerServer> = {}): PeerServer {
  return { folder: ROOT, script, isInstalled: false, ...over };
}

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

export function guardedByBearer({ access }: Credentials): Call {
  return { method: 'GET', path: ORDERS.guarded, headers: bearer(access) };
}

export function guardedByCookie({ access }: Credentials): Call {
  return { method: 'GET', path: ORDERS.guarded, headers: { cookie: access } };
}
