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
import { type SettledWrite, replayEntry, snapshot, storedChange, storedWrite } from './journal-records.js';
import type { RetryableWrites } from './retryable-writes.js';
import type { Change, Store } from './store.js';
import type { Document } from './values.js';
import { NamedFault } from './named-fault.js';

const FILE = 'journal.bson';

/**
 * Every command that changed something is one record, handed to the operating system before the command is
 * acknowledged, so that no acknowledged write is lost when the process is killed, however hard. It is not
 * forced to the disk for each command (that happens on compaction and on close): if the machine itself goes
 * down, the last moments may be lost. For development that is the better bargain.
 */
export class Journal {
  private broken = false;

  private constructor(
    private readonly file: number,
    private readonly lock: JournalLock,
  ) {}

  /** Fills the store with what the journal holds, and begins a new journal with just that. */
  static open(directory: string, store: Store, retries: RetryableWrites): Journal {
    mkdirSync(directory, { recursive: true });
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
      // Whatever followed half a record would be lost with it.
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
  return new NamedFault(8, `The journal ${problem}`);
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

/** The old journal stays until the new one is complete and on the disk. */
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
