import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** A copy of the journal of the embedded database. */
export interface JournalCopy {
  /** Like `DATA_DIR`: the journal is in its folder `db`. */
  readonly dataDir: string;
  readonly remove: () => void;
}

/**
 * Copies the embedded database of a `DATA_DIR`, if it has one: opening a journal writes to it, and a running service may use
 * it.
 */
export async function copyJournal(dataDir: string): Promise<JournalCopy> {
  const copy = mkdtempSync(join(tmpdir(), 'silent-auth-copy-'));
  const remove = () => {
    process.off('exit', remove);
    rmSync(copy, { recursive: true, force: true, maxRetries: 3 });
  };
  // The copy contains password hashes, so remove it however the process ends.
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
