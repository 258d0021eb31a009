import { AuthClientError } from './errors.js';
import type { TokenStorage } from './types.js';

/**
 * What a client remembers of its refreshes. It distinguishes a retry of this client from any other request; it
 * grants no access.
 */
export interface SessionRecord {
  /** Sent with each refresh until an answer is stored. */
  readonly attempt?: string | undefined;
  /** The previous attempt, which produced `generation` of `session`. */
  readonly previous?: string | undefined;
  readonly session?: string | undefined;
  readonly generation?: number | undefined;
  /** Body transport only. */
  readonly refreshToken?: string | undefined;
  /** Body transport only: the refresh token of a logout that has not reached the server. */
  readonly owed?: string | undefined;
}

/** Keeps one record. */
export interface Records<T extends object = SessionRecord> {
  /** Reads, changes and stores in one step, and resolves with what is stored then. The same object means no change. */
  readonly update: (change: (record: T) => T) => Promise<T>;
}

function memoryRecords(): Records {
  let record: SessionRecord = {};
  return { update: async (change) => (record = change(record)) };
}

/** In the application's storage, as one item: the refresh token alone, or JSON. @throws AuthClientError `STORAGE_FAILED` */
export function storedRecords(storage: TokenStorage): Records {
  let queue: Promise<unknown> = Promise.resolve();
  const update = async (change: (record: SessionRecord) => SessionRecord): Promise<SessionRecord> => {
    try {
      const record = read(await storage.load());
      const next = change(record);
      if (next === record) return record;
      const { refreshToken, ...others } = next;
      const isAlone = JSON.stringify(others) === '{}';
      const text = isAlone ? refreshToken : JSON.stringify(next);
      await (text ? storage.save(text) : storage.clear());
      return next;
    } catch (cause) {
      throw new AuthClientError({ code: 'STORAGE_FAILED', message: 'The storage failed.', cause });
    }
  };
  return {
    update(change) {
      const turn = queue.then(() => update(change));
      queue = turn.catch(() => undefined);
      return turn;
    },
  };
}

function read(text: string | null): SessionRecord {
  if (!text) return {};
  return text.startsWith('{') ? (JSON.parse(text) as SessionRecord) : { refreshToken: text };
}

/**
 * In IndexedDB, which works on plain HTTP as well. A record is on the disk before the promise resolves, and tabs
 * take turns.
 */
export function indexedRecords<T extends object = SessionRecord>(
  factory: IDBFactory,
  key: string,
  database = 'nestjs-silent-auth',
): Records<T> {
  const update = (change: (record: T) => T) =>
    new Promise<T>((resolve, reject) => {
      const opening = factory.open(database);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
      opening.onerror = reject;
      opening.onsuccess = () => {
        const { result: db } = opening;
        // Browsers write later by default, and a crash would take the record.
        const transaction = db.transaction(STORE, 'readwrite', { durability: 'strict' });
        const store = transaction.objectStore(STORE);
        const reading = store.get(key);
        let next: T;
        reading.onsuccess = () => {
          const record = (reading.result ?? {}) as T;
          next = change(record);
          if (next !== record) store.put(next, key);
        };
        transaction.oncomplete = () => resolve(next);
        transaction.onabort = reject;
        // Closes when the transaction is done.
        db.close();
      };
    });
  return { update };
}

const STORE = 'records';

/** Maximum wait for a storage that hangs. */
const STORAGE_TIMEOUT_MS = 3000;

/** In memory, once the storage fails or hangs. */
export function withMemory(
  records: Records | undefined,
  setTimer: (run: () => void, ms: number) => () => void,
): Records {
  const memory = memoryRecords();
  return {
    async update(change) {
      if (records) {
        const { update } = records;
        let cancel = () => {};
        try {
          return await new Promise<SessionRecord>((resolve, reject) => {
            cancel = setTimer(() => reject(new Error()), STORAGE_TIMEOUT_MS);
            update(change).then(resolve, reject);
          });
        } catch {
          records = undefined;
        } finally {
          cancel();
        }
      }
      return memory.update(change);
    },
  };
}
