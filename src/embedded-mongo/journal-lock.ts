import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'journal.lock';

/** Two servers on one journal would each know only half of it. */
export class JournalLock {
  private constructor(private readonly path: string) {}

  static take(directory: string): JournalLock {
    const path = join(directory, FILE);
    for (let attempt = 0; attempt < 10; attempt++) {
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

/** The file appears with its content or not at all, so that nobody reads an empty one. */
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

/** Of two that find the same stale lock the slower must not take away the fresh one of the faster. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (contentOf(aside) !== stale) linkSync(aside, path);
  } catch {
    // Somebody else was quicker; the next attempt sees what they did.
  } finally {
    rmSync(aside, { force: true });
  }
}

function isHeld(content: string): boolean {
  const [pid = '', start = ''] = content.split(' ');
  if (!isAlive(Number(pid))) return false;
  const current = startOf(Number(pid));
  // Numbers are given out again, in containers very soon; the moment of the start tells two processes apart.
  return start === '' || current === '' || start === current;
}

function startOf(pid: number): string {
  // In /proc/PID/stat, the 20th field after the name, which itself may contain anything.
  const stat = contentOf(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** A process that may not be signalled is alive nevertheless. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
