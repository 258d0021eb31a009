import { type Collection, type Document, MongoClient } from 'mongodb';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { databaseUri } from '../database.js';
import { DatabaseProxy } from '../database-proxy.js';
import { Service } from '../service.js';

const STEPPING_CLOCK = pathToFileURL(fileURLToPath(new URL('../stepping-clock.mjs', import.meta.url))).href;

/** Several instances on one database, each behind a line of its own to it; the clock of the first one is wrong. */
export class Cluster {
  private constructor(
    readonly services: readonly Service[],
    readonly lines: readonly DatabaseProxy[],
    private readonly client: MongoClient,
  ) {}

  static async start(instances: number, graceMs: number): Promise<Cluster> {
    const uri = databaseUri('proof');
    const lines = await Promise.all(Array.from({ length: instances }, () => DatabaseProxy.openTo(uri)));
    const services = await Promise.all(
      lines.map((line, index) =>
        Service.start(
          { MONGODB_URI: line.uri, REFRESH_GRACE_PERIOD: `${graceMs}ms`, LOG_LEVEL: 'warn' },
          index === 0 ? ['--import', STEPPING_CLOCK] : [],
        ),
      ),
    );
    return new Cluster(services, lines, await MongoClient.connect(uri));
  }

  get sessions(): Collection<Document> {
    return this.client.db().collection('refresh_tokens');
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
