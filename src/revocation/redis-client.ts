/** What a {@link RedisRevocationStore} needs of a client: `createClient()` of the package `redis` gives one. */
export interface RedisClient {
  readonly isReady: boolean;
  sendCommand(args: string[], options?: { abortSignal?: AbortSignal }): Promise<unknown>;
  /** A connection of its own, to listen on. */
  duplicate(): RedisSubscriber;
}

/** The connection on which a {@link RedisRevocationStore} listens. */
export interface RedisSubscriber {
  connect(): Promise<unknown>;
  subscribe(channels: string[], listener: (message: string, channel: string) => void): Promise<void>;
  on(event: string, listener: (reason: unknown) => void): unknown;
  destroy(): void;
}
