// A built folder that others may be running: it is made elsewhere, and then taken over file by file.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

/** What a build depends on. */
const INPUTS = ['src', 'tools', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
/** Tells of what the folder was built; not among what is published. */
const STAMP = join('app', '.built-from');
/** Of a folder that is being filled; the process that fills it follows. A process number means something on its own machine only. */
const BUILDING = `.building-${hostname()}@`;

/** Whether `dist` is what a build of the present files would give. */
export function isFresh(root) {
  try {
    return readFileSync(join(root, 'dist', STAMP), 'utf8') === digestOf(root);
  } catch {
    return false;
  }
}

/**
 * Builds into a new folder beside `dist`, and takes that over if it succeeded. No file that is in both is missing for a
 * moment: a service that runs from `dist` finds what it loads late.
 * @param build fills the folder that it is given; may be async. What it throws leaves `dist` as it is.
 * @param options.unlessFresh leaves alone what is fresh, also where another build has made it so meanwhile
 */
export async function renewDist(root, build, { unlessFresh = false } = {}) {
  if (unlessFresh && isFresh(root)) return;
  // Before the build: what changes meanwhile makes it stale.
  const digest = digestOf(root);
  sweep(root);
  const fresh = mkdtempSync(join(root, `${BUILDING}${process.pid}-`));
  try {
    await build(fresh);
    if (unlessFresh && isFresh(root)) return;
    takeOver(fresh, join(root, 'dist'), digest);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** What builds left that were killed: folders whose process is gone. One that runs at the same time keeps its own. */
function sweep(root) {
  for (const name of readdirSync(root)) {
    const pid = name.startsWith(BUILDING) ? parseInt(name.slice(BUILDING.length), 10) : NaN;
    if (!(pid > 0) || isRunning(pid)) continue;
    // A compiler that outlived its build may still write there; the next build is soon enough then.
    try {
      rmSync(join(root, name), { recursive: true, force: true });
    } catch {}
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

function takeOver(fresh, dist, digest) {
  // Whatever interrupts it, half of a build does not pass for fresh.
  rmSync(join(dist, STAMP), { force: true });
  const files = filesIn(fresh);
  for (const file of files) move(join(fresh, file), join(dist, file));
  const kept = new Set(files);
  for (const file of filesIn(dist)) if (!kept.has(file)) rmSync(join(dist, file), { force: true });
  const stamp = join(fresh, 'stamp');
  writeFileSync(stamp, digest);
  move(stamp, join(dist, STAMP));
}

function move(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

function digestOf(root) {
  const hash = createHash('sha256');
  for (const input of INPUTS) {
    const path = join(root, input);
    for (const file of filesIn(path)) {
      const content = readFileSync(join(path, file));
      hash.update(`${join(input, file)}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest('hex');
}

/** Paths relative to it, in a fixed order; of a file that is itself, of nothing none. */
function filesIn(path) {
  if (!existsSync(path)) return [];
  const entries = orFile(() => readdirSync(path, { recursive: true, withFileTypes: true }));
  if (!entries) return [''];
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(path.length + 1))
    .sort();
}

function orFile(read) {
  try {
    return read();
  } catch (error) {
    if (error.code === 'ENOTDIR') return null;
    throw error;
  }
}
