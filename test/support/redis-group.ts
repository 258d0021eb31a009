import { setTimeout as delay } from 'node:timers/promises';
import { createClient, createCluster, createSentinel, type RedisClientType } from 'redis';
import type { AnyRedisClient } from '../../src/revocation/redis-link.js';
import { RedisServer } from './redis-server.js';

const READY_WITHIN_MS = 30_000;
/** After how long an unreachable node counts as dead. The defaults are 15 s for Redis and 30 s for a Sentinel. */
const DEAD_AFTER_MS = 1_000;

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not within ${READY_WITHIN_MS} ms: ${what}`);
    await delay(50);
  }
}

async function ask(server: RedisServer, ...args: string[]): Promise<unknown> {
  const client: RedisClientType = createClient({ url: server.url, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.sendCommand(args);
  } finally {
    if (client.isOpen) client.destroy();
  }
}

async function info(server: RedisServer): Promise<string> {
  return String(await ask(server, 'INFO', 'replication'));
}

const isReplicaInSync = async (server: RedisServer) => {
  const text = await info(server);
  return text.includes('role:slave') && text.includes('master_link_status:up');
};

/** Several servers of this test that replace each other on failure. */
export abstract class RedisGroup {
  protected constructor(
    /** The servers that hold data. */
    protected readonly servers: readonly RedisServer[],
    protected readonly others: readonly RedisServer[] = [],
  ) {}

  /** A connected client of the package `redis`. */
  abstract connect(): Promise<AnyRedisClient & { destroy(): unknown }>;
  /** The server that holds the store's keys. */
  abstract primary(): Promise<RedisServer>;
  /** The URL in the form that the service accepts. */
  abstract get url(): string;

  /** Waits until another server is the primary; returns the milliseconds. */
  async replaced(former: RedisServer): Promise<number> {
    const from = performance.now();
    await until('another primary', async () => (await this.primary()) !== former);
    return performance.now() - from;
  }

  /** Freezes its replicas: later writes exist on the primary only, and are lost with it. */
  async cutReplicasOff(primary: RedisServer): Promise<void> {
    const replicas = await this.replicasOf(primary);
    for (const replica of replicas) replica.freeze();
    // Without this, data already in a socket would still arrive.
    await ask(primary, 'CLIENT', 'KILL', 'TYPE', 'replica');
    this.thawReplicas = () => {
      for (const replica of replicas) replica.thaw();
    };
  }

  /** Resumes the replicas that were cut off. */
  thawReplicas: () => void = () => undefined;

  private async replicasOf(primary: RedisServer): Promise<RedisServer[]> {
    const text = await info(primary);
    return [...text.matchAll(/^slave\d+:ip=127\.0\.0\.1,port=(\d+),/gm)].map(([, port]) =>
      this.at(Number(port)),
    );
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.servers, ...this.others].map((server) => server.dispose()));
  }

  protected at(port: number): RedisServer {
    const server = this.servers.find((each) => each.port === port);
    if (!server) throw new Error(`nobody listens at ${port}`);
    return server;
  }
}

const CLUSTER_SLOTS = 16_384;
/** The smallest number that can agree on a failover. */
const PRIMARIES = 3;

/** Three primaries that share the slots; the one that holds the key has a replica. */
export class RedisClusterGroup extends RedisGroup {
  static async start(slotKey: string): Promise<RedisClusterGroup> {
    const servers = await RedisServer.startAll(
      Array.from({ length: PRIMARIES + 1 }, (_, index) =>
        RedisServer.start({
          'cluster-enabled': 'yes',
          'cluster-config-file': `nodes-${index}.conf`,
          'cluster-node-timeout': String(DEAD_AFTER_MS),
        }),
      ),
    );
    const group = new RedisClusterGroup(servers, slotKey);
    await group.form().catch(async (error: unknown) => {
      await group.dispose();
      throw error;
    });
    return group;
  }

  private constructor(
    servers: readonly RedisServer[],
    private readonly slotKey: string,
  ) {
    super(servers);
  }

  get url(): string {
    return `redis+cluster://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  connect() {
    const rootNodes = this.servers.map(({ url }) => ({ url }));
    const client = createCluster({ rootNodes, topologyRefreshOnReconnectionAttemptStrategy: 500 });
    client.on('error', () => undefined);
    return client.connect();
  }

  async primary(): Promise<RedisServer> {
    for (const server of this.servers)
      try {
        const slot = Number(await ask(server, 'CLUSTER', 'KEYSLOT', this.slotKey));
        const ranges = (await ask(server, 'CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
        const range = ranges.find(([from, to]) => from <= slot && slot <= to);
        const state = String(await ask(server, 'CLUSTER', 'INFO'));
        if (range && state.includes('cluster_state:ok')) return this.at(range[2][1]);
      } catch {
        // This node is the stopped one.
      }
    throw new Error('the slot has no primary');
  }

  private async form(): Promise<void> {
    const [first, ...others] = this.servers as [RedisServer, ...RedisServer[]];
    for (const { port, settings } of others)
      await ask(first, 'CLUSTER', 'MEET', '127.0.0.1', String(port), settings['cluster-port'] ?? '');
    const part = Math.ceil(CLUSTER_SLOTS / PRIMARIES);
    for (const [index, server] of this.servers.slice(0, PRIMARIES).entries()) {
      const to = Math.min(CLUSTER_SLOTS, (index + 1) * part) - 1;
      await ask(server, 'CLUSTER', 'ADDSLOTSRANGE', String(index * part), String(to));
    }
    const slot = Number(await ask(first, 'CLUSTER', 'KEYSLOT', this.slotKey));
    const primary = this.servers[Math.floor(slot / part)] as RedisServer;
    const replica = this.servers[PRIMARIES] as RedisServer;
    const id = String(await ask(primary, 'CLUSTER', 'MYID'));
    await until('the nodes know each other', async () => {
      await ask(replica, 'CLUSTER', 'REPLICATE', id);
      return true;
    });
    await until('the replica is in sync', () => isReplicaInSync(replica));
    for (const server of this.servers)
      await until('the cluster is complete', async () => {
        const text = String(await ask(server, 'CLUSTER', 'INFO'));
        return text.includes('cluster_state:ok') && text.includes('cluster_known_nodes:4');
      });
  }
}

const PRIMARY_NAME = 'auth';

/** One primary with two replicas, watched by three Sentinels. */
export class RedisSentinelGroup extends RedisGroup {
  static async start(): Promise<RedisSentinelGroup> {
    const first = await RedisServer.start();
    const replicas = [1, 2].map(() => RedisServer.start({ replicaof: `127.0.0.1 ${first.port}` }));
    const sentinels = [1, 2, 3].map(() =>
      RedisServer.startSentinel([
        `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${first.port} 2`,
        `sentinel down-after-milliseconds ${PRIMARY_NAME} ${DEAD_AFTER_MS}`,
        `sentinel failover-timeout ${PRIMARY_NAME} 6000`,
      ]),
    );
    const servers = await RedisServer.startAll([Promise.resolve(first), ...replicas, ...sentinels]);
    const group = new RedisSentinelGroup(servers.slice(0, 3), servers.slice(3));
    await group.formed().catch(async (error: unknown) => {
      await group.dispose();
      throw error;
    });
    return group;
  }

  private async formed(): Promise<void> {
    for (const replica of this.servers.slice(1))
      await until('the replicas are in sync', () => isReplicaInSync(replica));
    for (const sentinel of this.others)
      await until('the Sentinels know each other', async () => {
        const state = JSON.stringify(await ask(sentinel, 'SENTINEL', 'MASTER', PRIMARY_NAME));
        return /"num-slaves"[:,]"2"/.test(state) && /"num-other-sentinels"[:,]"2"/.test(state);
      });
  }

  get url(): string {
    return `redis+sentinel://${this.others.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${PRIMARY_NAME}`;
  }

  connect() {
    const client = createSentinel({
      name: PRIMARY_NAME,
      sentinelRootNodes: this.others.map(({ port }) => ({ host: '127.0.0.1', port })),
    });
    client.on('error', () => undefined);
    return client.connect();
  }

  async primary(): Promise<RedisServer> {
    const [sentinel] = this.others as [RedisServer, ...RedisServer[]];
    const [, port] = (await ask(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', PRIMARY_NAME)) as string[];
    return this.at(Number(port));
  }
}
