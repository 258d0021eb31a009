/**
 * Everything that a script outside the client's module can read, as text, by where it was found. Runs in the
 * page, so it refers to nothing outside itself.
 */
export async function readableByScripts(): Promise<Record<string, string>> {
  const entries = (storage: Storage) => JSON.stringify(Object.entries(storage));

  const readDatabases = async (): Promise<string> => {
    const texts: string[] = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name!);
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(new Error(`cannot open ${name}`));
      });
      for (const store of database.objectStoreNames) {
        const reading = database.transaction(store).objectStore(store).getAll();
        await new Promise((resolve) => (reading.onsuccess = resolve));
        texts.push(JSON.stringify(reading.result));
      }
    }
    return texts.join('\n');
  };

  const readCaches = async (): Promise<string> => {
    const texts: string[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        texts.push(request.url, (await (await cache.match(request))?.text()) ?? '');
      }
    }
    return texts.join('\n');
  };

  /** Every string reachable from `window` through properties, maps, sets and prototypes. */
  const walk = (): string => {
    const seen = new Set<unknown>();
    const texts: string[] = [];
    const queue: unknown[] = [window];
    const visit = (read: () => unknown): void => {
      try {
        const value = read();
        if (typeof value === 'string') texts.push(value);
        else if (
          value !== null &&
          (typeof value === 'object' || typeof value === 'function') &&
          !seen.has(value)
        ) {
          seen.add(value);
          queue.push(value);
        }
      } catch {
        // A getter that throws, or a frame of another origin.
      }
    };
    for (let next = queue.pop(); next !== undefined && seen.size < 200_000; next = queue.pop()) {
      const target = next as object;
      for (const key of Reflect.ownKeys(target)) {
        texts.push(String(key));
        visit(() => Reflect.get(target, key));
      }
      visit(() => Reflect.getPrototypeOf(target));
      if (target instanceof Map || target instanceof Set) {
        for (const each of [...target.entries()].flat()) visit(() => each);
      }
    }
    return texts.join('\n');
  };

  return {
    cache: await readCaches(),
    cookie: document.cookie,
    document: document.documentElement.outerHTML,
    history: `${location.href} ${JSON.stringify(history.state)} ${document.referrer}`,
    indexedDB: await readDatabases(),
    localStorage: entries(localStorage),
    performance: JSON.stringify(performance.getEntries()),
    sessionStorage: entries(sessionStorage),
    window: walk(),
  };
}
