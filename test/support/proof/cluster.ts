import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Collection, type Document, MongoClient } from 'mongodb';
import { databaseUri } from '../database.js';
import { DatabaseProxy } from '../database-proxy.js';
import { Service } from '../service.js';

const STEPPING_CLOCK = pathToFileURL(fileURLToPath(new URL('../stepping-clock.mjs', import.meta.url))).href;

/** Several instances on one database, each behind its own proxy to it. The clock of the first one is wrong. */
export class Cluster {
  readonly services: Service[] = [];

  private constructor(
    readonly lines: readonly DatabaseProxy[],
    private readonly client: MongoClient,
  ) {}

  static async start(instances: number, graceMs: number): Promise<Cluster> {
    const uri = databaseUri('proof');
    const lines = await Promise.all(Array.from({ length: instances }, () => DatabaseProxy.openTo(uri)));
    const cluster = new Cluster(lines, await MongoClient.connect(uri));
    try {
      // Started one after the other: four at once take too long on a busy machine.
      for (const [index, line] of lines.entries()) await cluster.add(line, graceMs, index === 0);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get sessions(): Collection<Document> {
    return this.client.db().collection('refresh_tokens');
  }

  private async add({ uri }: DatabaseProxy, graceMs: number, isClockWrong: boolean): Promise<void> {
    const environment = { MONGODB_URI: uri, REFRESH_GRACE_PERIOD: `${graceMs}ms`, LOG_LEVEL: 'warn' };
    this.services.push(await Service.start(environment, isClockWrong ? ['--import', STEPPING_CLOCK] : []));
  }

  async stop(): Promise<void> {
    for (const line of this.lines) {
      line.thaw();
      line.restore();
    }
    await Promise.all(this.services.map((service) => service.dispose()));
    await this.client.db().dropDatabase();
    await this.client.close();
    await Promise.all(this.lines.map((line) => line.close()));
  }
}
