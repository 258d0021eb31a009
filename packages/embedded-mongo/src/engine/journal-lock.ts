import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'journal.lock';

/** Two servers on one journal would each miss the writes of the other. */
export class JournalLock {
  private constructor(private readonly path: string) {}

  static take(directory: string): JournalLock {
    const path = join(directory, FILE);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      if (create(path)) return new JournalLock(path);
      const content = contentOf(path);
      if (content === undefined) continue;
      if (isHeld(content)) {
        throw new Error(`The journal in ${directory} is in use by process ${content.split(' ')[0]}`);
      }
      removeStale(path, content);
    }
    throw new Error(`The journal in ${directory} cannot be locked`);
  }

  release(): void {
    rmSync(this.path, { force: true });
  }
}

/** A hard link makes the file appear with its content, so that no process reads an empty one. */
function create(path: string): boolean {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startOf(process.pid)}`, { mode: 0o600 });
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** If two servers find the same stale lock, the slower one must not remove the new lock of the faster one. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (contentOf(aside) !== stale) linkSync(aside, path);
  } catch {
    // Another server was faster; the next attempt reads its lock.
  } finally {
    rmSync(aside, { force: true });
  }
}

function isHeld(content: string): boolean {
  const [pid = '', start = ''] = content.split(' ');
  if (!isAlive(Number(pid))) return false;
  const current = startOf(Number(pid));
  // Process ids are reused, in containers after a short time; the start time distinguishes two processes.
  return start === '' || current === '' || start === current;
}

function startOf(pid: number): string {
  // In /proc/PID/stat, the 20th field after the name, which itself may contain anything.
  const stat = contentOf(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** A process that may not be signalled (EPERM) is alive. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
