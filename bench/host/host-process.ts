import { randomBytes } from 'node:crypto';
import { Types } from 'mongoose';
import { fillAuditLog } from './audit-log.js';
import { fillWithCrowd } from './crowd.js';
import { type RunningHost, startHost } from './host-app.js';
import type { HostCalls, Question, Reply } from './remote.js';

/** The process of the hosts: it runs the bench's calls, and ends with it. */
const hosts: RunningHost[] = [];

function host(index: number): RunningHost {
  const found = hosts[index];
  if (!found) throw new Error(`there is no host ${index}`);
  return found;
}

const calls: HostCalls = {
  async start(uri, keys, configs) {
    for (const config of configs) {
      const suffix = config.sharedAs ?? randomBytes(4).toString('hex');
      const dbName = `sa_bench_${config.database}_${suffix}`;
      hosts.push(await startHost(config, keys, { uri, dbName }));
    }
    return hosts.map(({ origin }) => origin);
  },

  async usage() {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000 };
  },

  async beginCommands(index) {
    host(index).commands.begin();
  },

  async takeCommands(index) {
    return host(index).commands.take();
  },

  async sessionBytes(index, sessionId) {
    const sessions = host(index).connection.db?.collection('refresh_tokens', { raw: true });
    // With `raw` the document arrives as bytes.
    const document: unknown = await sessions?.findOne({ _id: new Types.ObjectId(sessionId) });
    if (!(document instanceof Uint8Array)) throw new Error(`there is no session ${sessionId}`);
    return document.byteLength;
  },

  async fill(index, sessionId, count) {
    await fillWithCrowd(host(index).connection, sessionId, count);
  },

  async fillAuditLog(index, rows) {
    await fillAuditLog(host(index).connection, rows);
  },

  async makeAdministrator(index, userId) {
    const users = host(index).connection.db?.collection('users');
    await users?.updateOne({ _id: new Types.ObjectId(userId) }, { $addToSet: { roles: 'admin' } });
  },

  async stop() {
    for (const { connection, close } of hosts.splice(0)) {
      await connection.dropDatabase();
      await close();
    }
  },
};

async function answer({ id, call, args }: Question): Promise<Reply> {
  try {
    const run = calls[call] as (...args: readonly unknown[]) => Promise<unknown>;
    return { id, value: await run(...args) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

process.on('message', (question: Question) => {
  void answer(question).then((reply) => process.send?.(reply));
});
// The bench has ended.
process.on('disconnect', () => process.exit());
