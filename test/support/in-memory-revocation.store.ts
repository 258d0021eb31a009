import type {
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationObserver,
  RevocationStore,
  RevocationWatch,
} from '../../src/core/ports.js';

/** The store without a database; it passes the same contract suite as the real ones. */
export class InMemoryRevocationStore implements RevocationStore {
  private readonly entries = new Map<RevocationKey, RevocationEntry>();
  private readonly observers = new Set<RevocationObserver>();

  async add(entries: readonly RevocationEntry[]): Promise<void> {
    for (const entry of entries) {
      const known = this.entries.get(entry.key);
      if (!known || known.expiresAt < entry.expiresAt) this.entries.set(entry.key, entry);
    }
    for (const observer of this.observers) observer.entriesAdded(entries);
  }

  async read(): Promise<{ entries: RevocationEntry[]; mark: RevocationMark }> {
    return { entries: [...this.entries.values()], mark: { at: new Date(0) } };
  }

  async hasAny(keys: readonly RevocationKey[]): Promise<boolean> {
    return keys.some((key) => this.entries.has(key));
  }

  async watch(observer: RevocationObserver): Promise<RevocationWatch> {
    this.observers.add(observer);
    return { description: 'memory', close: async () => void this.observers.delete(observer) };
  }
}
