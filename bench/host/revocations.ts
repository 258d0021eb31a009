import { createConnection } from 'mongoose';
import { RedisRevocationStore, type RevocationStore } from 'nestjs-silent-auth';
import { createClient } from 'redis';
import type { HostConfig } from './host-app.js';

interface OpenRevocations {
  readonly store: RevocationStore;
  readonly close: () => Promise<void>;
}

/** Null: the library's own store, in the fastest way that the database supports. */
export async function openRevocations(
  revocations: HostConfig['revocations'],
  { uri, dbName }: { readonly uri: string; readonly dbName: string },
): Promise<OpenRevocations | null> {
  if (revocations === undefined) return null;
  if (revocations === 'polled') return openPolled(uri, dbName);
  const client = createClient({ url: revocations.redisUrl });
  client.on('error', (error) => process.stderr.write(`Redis: ${String(error)}\n`));
  await client.connect();
  return { store: new RedisRevocationStore({ client }), close: async () => client.destroy() };
}

/** The library's own store without change streams, as on a server that is not a replica set. */
async function openPolled(uri: string, dbName: string): Promise<OpenRevocations> {
  const dist = new URL('dist/', import.meta.resolve('nestjs-silent-auth/package.json'));
  const load = (file: string) => import(new URL(file, dist).href);
  const { IndexRegistry } = await load('database/index-registry.js');
  const { MongoRevocationStore } = await load('revocation/mongo-revocation.store.js');
  const { REVOCATION_MODEL, RevocationSchema } = await load('revocation/revocation.schema.js');
  const connection = await createConnection(uri, { dbName }).asPromise();
  const store = new MongoRevocationStore(
    connection.model(REVOCATION_MODEL, RevocationSchema),
    new IndexRegistry(),
  );
  await store.onModuleInit();
  return {
    store: {
      add: (entries) => store.add(entries),
      read: (since) => store.read(since),
      hasAny: (keys) => store.hasAny(keys),
    },
    close: () => connection.close(),
  };
}
