import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** A copy of the journal of the embedded database. */
export interface JournalCopy {
  /** As `DATA_DIR` is; the journal is in its folder `db`. */
  readonly dataDir: string;
  readonly remove: () => void;
}

/**
 * Copies the embedded database of a `DATA_DIR`, if it has one: a service may be running on it, and opening a journal writes
 * to it.
 */
export async function copyJournal(dataDir: string): Promise<JournalCopy> {
  const copy = mkdtempSync(join(tmpdir(), 'silent-auth-copy-'));
  const remove = () => {
    process.off('exit', remove);
    rmSync(copy, { recursive: true, force: true, maxRetries: 3 });
  };
  // It holds the hashes of passwords, and the process may end at any moment: by a signal, or out of time.
  process.once('exit', remove);
  try {
    const kept = join(dataDir, 'db');
    if (existsSync(kept))
      await cp(kept, join(copy, 'db'), {
        recursive: true,
        filter: (path) => !basename(path).startsWith('journal.lock'),
      });
    return { dataDir: copy, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
