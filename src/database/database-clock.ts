import { Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Connection } from 'mongoose';
import type { Clock } from '../core/ports.js';

const ANCHOR_INTERVAL_MS = 60_000;

/**
 * One clock for all processes on one database: monotonic, anchored to the server's time (`hello.localTime`) at boot
 * and every minute. Two processes on their own clocks, minutes apart, would take each other's rotations for theft.
 */
export class DatabaseClock implements Clock, OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('DatabaseClock');
  private offsetMs = Date.now() - performance.now();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly connection: Connection) {}

  now(): number {
    return Math.floor(performance.now() + this.offsetMs);
  }

  async onModuleInit(): Promise<void> {
    await this.anchor();
    this.timer = setInterval(() => {
      // Without an answer the monotonic clock simply goes on from the last anchor.
      this.anchor().catch((error: unknown) =>
        this.logger.warn(`no time from the database: ${String(error)}`),
      );
    }, ANCHOR_INTERVAL_MS);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async anchor(): Promise<void> {
    await this.connection.asPromise();
    const before = performance.now();
    const hello = await this.connection.db?.admin().command({ hello: 1 });
    const after = performance.now();
    const serverTime: unknown = hello?.['localTime'];
    if (serverTime instanceof Date) this.offsetMs = serverTime.getTime() - (before + after) / 2;
  }
}
