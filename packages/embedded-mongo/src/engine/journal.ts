import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { MongoServerFault } from './errors.js';
import { readRecords, recordBytes } from './journal-file.js';
import { JournalLock } from './journal-lock.js';
import { replayEntry, type SettledWrite, snapshot, storedChange, storedWrite } from './journal-records.js';
import type { RetryableWrites } from './retryable-writes.js';
import type { Change, Store } from './store.js';
import type { Document } from './values.js';

const FILE = 'journal.bson';

/**
 * One record for every command that changed something, handed to the operating system before the command is
 * acknowledged: a killed process loses no acknowledged write. Only compaction and close force it to the disk, so a
 * crash of the machine may lose the last moments; for development, speed is worth more.
 */
export class Journal {
  private broken = false;

  private constructor(
    private readonly file: number,
    private readonly lock: JournalLock,
  ) {}

  /** Fills the store from the journal, and begins a new journal without obsolete records. */
  static open(directory: string, store: Store, retries: RetryableWrites): Journal {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = JournalLock.take(directory);
    try {
      const path = join(directory, FILE);
      if (existsSync(path)) replay(path, store, retries);
      store.takeChanges();
      return new Journal(compact(path, store, retries), lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  append(changes: readonly Change[], write?: SettledWrite): void {
    if (this.broken) throw journalFault('can no longer be written; restart the server');
    const entries = changes.map(storedChange);
    if (write) entries.push(storedWrite(write));
    try {
      writeRecord(this.file, entries);
    } catch (error) {
      // Records after an incomplete one would be lost with it.
      this.broken = true;
      throw journalFault(`cannot be written: ${(error as Error).message}`);
    }
  }

  close(): void {
    fsyncSync(this.file);
    closeSync(this.file);
    this.lock.release();
  }
}

function journalFault(problem: string): MongoServerFault {
  return new MongoServerFault(8, `The journal ${problem}`);
}

function writeRecord(file: number, entries: readonly Document[]): void {
  const bytes = recordBytes(entries);
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
}

function replay(path: string, store: Store, retries: RetryableWrites): void {
  for (const entries of readRecords(readFileSync(path), path)) {
    for (const entry of entries) replayEntry(entry, store, retries);
  }
}

/** Keeps the old journal until the new one is complete and on the disk. */
function compact(path: string, store: Store, retries: RetryableWrites): number {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'a', 0o600);
  try {
    for (const entries of snapshot(store)) writeRecord(file, entries);
    for (const write of retries.all()) writeRecord(file, [storedWrite(write)]);
    fsyncSync(file);
    renameSync(temporary, path);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}
