import type { RedisSubscriber } from './redis-revocation.watch.js';

interface CommandOptions {
  abortSignal?: AbortSignal;
}

/** `createClient()` of the package `redis` returns one. */
export interface RedisClient {
  readonly isReady: boolean;
  sendCommand(args: string[], options?: CommandOptions): Promise<unknown>;
  /** A connection of its own, to listen on. */
  duplicate(): RedisSubscriber;
}

/** `createSentinel()` of the package `redis` returns one. */
export interface RedisSentinelClient {
  readonly isReady: boolean;
  sendCommand(isReadonly: boolean, args: string[], options?: CommandOptions): Promise<unknown>;
  duplicate(): RedisSubscriber;
  getMasterNode(): { readonly host: string; readonly port: number } | undefined;
}

/** `createCluster()` of the package `redis` returns one. */
export interface RedisClusterClient {
  readonly isReady: boolean;
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: string[],
    options?: CommandOptions,
  ): Promise<unknown>;
  /** By slot; a slot that no node serves has none. */
  readonly slots: readonly ({ readonly master: object } | undefined)[];
  nodeClient(node: object): RedisClient | Promise<RedisClient>;
}

export type AnyRedisClient = RedisClient | RedisSentinelClient | RedisClusterClient;

type Send = (args: string[], options: CommandOptions) => Promise<unknown>;

/** The server that held the keys when it was asked for. */
export interface PinnedServer {
  readonly send: Send;
  /** Whether it still holds them. */
  isCurrent(options: CommandOptions): Promise<boolean>;
}

/** The way to the primary that holds the keys of a store. */
export interface RedisLink {
  readonly isReady: boolean;
  /** Begins each key; in a cluster with a hash tag, so that one node holds them all. */
  readonly keyPrefix: string;
  readonly send: Send;
  /** For a `SCAN`, whose cursor means nothing to another server. */
  pin(options: CommandOptions): Promise<PinnedServer>;
  /** A connection of its own to that server, not open yet. */
  subscriber(): Promise<RedisSubscriber>;
}

export function linkTo(client: AnyRedisClient, prefix: string): RedisLink {
  if ('nodeClient' in client) return new ClusterLink(client, prefix);
  if ('getMasterNode' in client) return sentinelLink(client, prefix);
  return serverLink(client, prefix);
}

function serverLink(client: RedisClient, prefix: string): RedisLink {
  const send: Send = (args, options) => client.sendCommand(args, options);
  return {
    get isReady() {
      return client.isReady;
    },
    keyPrefix: `${prefix}revoked:`,
    send,
    pin: () => Promise.resolve({ send, isCurrent: () => Promise.resolve(true) }),
    subscriber: () => Promise.resolve(client.duplicate()),
  };
}

function sentinelLink(client: RedisSentinelClient, prefix: string): RedisLink {
  const send: Send = (args, options) => client.sendCommand(false, args, options);
  const primary = () => {
    const { host, port } = client.getMasterNode() ?? {};
    return `${host}:${port}`;
  };
  return {
    get isReady() {
      return client.isReady;
    },
    keyPrefix: `${prefix}revoked:`,
    send,
    pin: () => {
      const pinned = primary();
      return Promise.resolve({ send, isCurrent: () => Promise.resolve(primary() === pinned) });
    },
    subscriber: () => Promise.resolve(client.duplicate()),
  };
}

class ClusterLink implements RedisLink {
  readonly keyPrefix: string;
  private readonly slotKey: string;
  private slot: Promise<number> | null = null;

  constructor(
    private readonly cluster: RedisClusterClient,
    prefix: string,
  ) {
    this.slotKey = `{${prefix}revoked}`;
    this.keyPrefix = `${this.slotKey}:`;
  }

  get isReady(): boolean {
    return this.cluster.isReady;
  }

  readonly send: Send = async (args, options) => {
    // A command for a node that is away waits in the queue of that node's client.
    await this.readyPrimary();
    return this.cluster.sendCommand(this.slotKey, false, args, options);
  };

  async pin(options: CommandOptions): Promise<PinnedServer> {
    // Only a command with a key is redirected, and makes the client learn where the slot is now.
    const probe = ['EXISTS', this.slotKey];
    await this.send(probe, options);
    const primary = await this.readyPrimary();
    const send: Send = (args, own) => primary.sendCommand(args, own);
    const isCurrent = (own: CommandOptions) =>
      send(probe, own).then(
        () => true,
        () => false,
      );
    return { send, isCurrent };
  }

  /** A plain connection: its loss is reported, while that of a cluster's subscriber is repaired in silence. */
  async subscriber(): Promise<RedisSubscriber> {
    return (await this.readyPrimary()).duplicate();
  }

  private async readyPrimary(): Promise<RedisClient> {
    const master = this.cluster.slots[await this.slotNumber()]?.master;
    const primary = master && (await this.cluster.nodeClient(master));
    if (!primary?.isReady) throw new Error('the node that holds the revocations is out of reach');
    return primary;
  }

  private slotNumber(): Promise<number> {
    this.slot ??= this.askSlotNumber().catch((error: unknown) => {
      this.slot = null;
      throw error;
    });
    return this.slot;
  }

  private async askSlotNumber(): Promise<number> {
    return Number(await this.cluster.sendCommand(this.slotKey, false, ['CLUSTER', 'KEYSLOT', this.slotKey]));
  }
}
