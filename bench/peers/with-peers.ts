import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import type { BenchContext } from '../bench.js';
import { uriOf } from '../host/database.js';
import { withRedis } from '../host/redis-process.js';
import { HttpClient } from '../load/http.js';
import { chosenPeers, PRODUCTS } from './catalogue.js';
import type { Peer } from './peer.js';
import { messageOf, PeerProcess } from './peer-process.js';

/** A peer whose server runs, and signs in, refreshes and serves guarded requests. */
export interface RunningPeer {
  readonly peer: Peer;
  readonly process: PeerProcess;
  readonly http: HttpClient;
}

/** A peer that cannot be measured here, and why, in one sentence. */
export interface AbsentPeer {
  readonly peer: Peer;
  readonly reason: string;
}

export interface Peers {
  readonly running: readonly RunningPeer[];
  readonly absent: readonly AbsentPeer[];
}

const CONNECTIONS = 64;

/** Runs `use` with the product and the chosen peers, each in a process and on a database of its own. */
export async function withPeers<T>(context: BenchContext, use: (peers: Peers) => Promise<T>): Promise<T> {
  const chosen = [...PRODUCTS, ...chosenPeers(context.peerNames)];
  const start = (redisUrl: string | null) => withServers(chosen, context.databaseUri, redisUrl, use);
  if (!chosen.some(({ server }) => server.needsRedis)) return start(null);
  // Null if the machine has no Redis: then the peers that need it are absent.
  const result = await withRedis(async (url) => ({ value: await start(url) }));
  return result ? result.value : start(null);
}

async function withServers<T>(
  chosen: readonly Peer[],
  uri: string,
  redisUrl: string | null,
  use: (peers: Peers) => Promise<T>,
): Promise<T> {
  const run = randomBytes(4).toString('hex');
  const databases = chosen.map(({ name }) => `sa_bench_${name.replaceAll('-', '_')}_${run}`);
  const running: RunningPeer[] = [];
  const absent: AbsentPeer[] = [];
  try {
    for (const [index, peer] of chosen.entries()) {
      const mongodbUri = uriOf(uri, databases[index] ?? '');
      const started = await startPeer(peer, { mongodbUri, redisUrl });
      if (!('reason' in started)) running.push(started);
      else if (PRODUCTS.includes(peer)) throw new Error(`${peer.title}: ${started.reason}`);
      else absent.push(started);
    }
    return await use({ running, absent });
  } finally {
    for (const { process, http } of running) {
      await process.stop();
      await http.close();
    }
    await dropDatabases(uri, databases);
  }
}

async function startPeer(
  peer: Peer,
  resources: { readonly mongodbUri: string; readonly redisUrl: string | null },
): Promise<RunningPeer | AbsentPeer> {
  process.stderr.write(`${peer.name} `);
  let started: PeerProcess | undefined;
  try {
    started = await PeerProcess.start(peer, resources);
    const http = new HttpClient(started.origin, { connections: CONNECTIONS });
    await tryOut(peer, http);
    return { peer, process: started, http };
  } catch (error) {
    const reason = started ? started.reason(error) : messageOf(error);
    await started?.stop();
    return { peer, reason };
  }
}

/** @throws if one of the requests that are measured is refused, such as for a command that the database lacks */
async function tryOut(peer: Peer, http: HttpClient): Promise<void> {
  const signedIn = await peer.signIn(http);
  const renewed = peer.renewed(await http.expect(peer.refresh(signedIn)), signedIn);
  await http.expect(peer.guarded(renewed));
}

async function dropDatabases(uri: string, names: readonly string[]): Promise<void> {
  const client = await new MongoClient(uri).connect();
  try {
    for (const name of names) await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}
