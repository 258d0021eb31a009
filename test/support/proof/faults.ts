import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from './cluster.js';

/** Faults of machines and network in a cluster, one after another, until stopped. */
export class Faults {
  readonly counts: Record<string, number> = {};
  private isOver = false;
  private readonly work: Promise<void>;

  /** @param random returns a number between 0 and 1 */
  constructor(
    private readonly cluster: Cluster,
    private readonly graceMs: number,
    private readonly random: () => number,
  ) {
    this.work = this.run();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.work;
  }

  private async run(): Promise<void> {
    const faults: Record<string, () => Promise<void>> = {
      'kill -9 and restart': async () => {
        const service = this.pick(this.cluster.services);
        await service.kill();
        await this.wait(0.3);
        await service.restart();
      },
      'database cut off from one instance': async () => {
        const line = this.pick(this.cluster.lines);
        line.cut();
        await this.wait(1);
        line.restore();
      },
      'database gone for all': async () => {
        for (const line of this.cluster.lines) line.cut();
        await this.wait(0.8);
        for (const line of this.cluster.lines) line.restore();
      },
      'line to the database frozen': async () => {
        const line = this.pick(this.cluster.lines);
        line.freeze();
        await this.wait(2.5);
        line.thaw();
      },
      'answer of the database lost after a rotation': async () => {
        for (const line of this.cluster.lines) line.loseAnswerTo('findAndModify');
      },
      'wall clock of one instance stepped': async () => this.cluster.services[0]?.signal('SIGUSR2'),
    };
    while (!this.isOver) {
      await this.wait(0.3);
      const [name, strike] = this.pick(Object.entries(faults));
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      await strike();
    }
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }

  /** Waits for this many grace periods at most. */
  private async wait(graces: number): Promise<void> {
    await delay(this.random() * graces * this.graceMs);
  }
}
