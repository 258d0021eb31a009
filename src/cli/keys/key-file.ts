import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { KeyInput } from '../../options/keys/key-spec.js';
import type { TokenKind } from '../../tokens/keys/key-ring.js';
import { KeyFileError } from '../../tokens/keys/key-set.js';
import { type StoredKey, storedKeys } from './stored-key.js';

/** What is in a file: a JWK set, or the development keys of both kinds. */
type Content = Record<string, unknown>;

/** The keys of one kind of token in a file; the member that lists them is `keys`, or the kind in the development file. */
export class KeyFile {
  constructor(
    readonly path: string,
    private readonly member: 'keys' | TokenKind,
  ) {}

  /** Empty if there is no such file. */
  read(): StoredKey[] {
    if (!existsSync(this.path)) return [];
    const list = this.content()[this.member] ?? [];
    if (!Array.isArray(list))
      throw new KeyFileError(`${this.path} has something else than a list as "${this.member}"`);
    return storedKeys(list as KeyInput[], statSync(this.path).mtime);
  }

  /**
   * Changes the keys, one change at a time: what `change` returns is written in one step, so that a reader sees the old
   * file or the new one, never half of one. Null leaves the file as it is.
   */
  update(change: (keys: StoredKey[]) => StoredKey[] | null): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    // A link stays one: what it points to is replaced.
    const path = existsSync(this.path) ? realpathSync(this.path) : this.path;
    const draft = `${path}.new`;
    const file = this.begin(draft);
    let isInPlace = false;
    try {
      const keys = change(this.read());
      if (keys === null) return;
      this.keepAccess(file, existsSync(path) ? statSync(path) : null);
      writeFileSync(file, `${JSON.stringify({ ...this.content(), [this.member]: keys }, null, 2)}\n`);
      fsyncSync(file);
      renameSync(draft, path);
      isInPlace = true;
    } finally {
      closeSync(file);
      // Once it is in place, a draft of that name is another run's.
      if (!isInPlace) rmSync(draft, { force: true });
    }
  }

  /** The draft is the lock as well. */
  private begin(draft: string): number {
    try {
      return openSync(draft, 'wx', 0o600);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new KeyFileError(
        code === 'EEXIST'
          ? `another run is changing the keys, or one was interrupted: if none is, delete ${draft}`
          : `${draft} cannot be written (${code})`,
        { cause },
      );
    }
  }

  /** Keeps the permissions of the file, but never lets everybody read it. */
  private keepAccess(file: number, old: Stats | null): void {
    if (!old) return;
    const made = fstatSync(file);
    try {
      if (made.uid !== old.uid || made.gid !== old.gid) fchownSync(file, old.uid, old.gid);
    } catch (cause) {
      throw new KeyFileError(
        `the new file would belong to somebody else than ${this.path}: run this as its owner`,
        { cause },
      );
    }
    fchmodSync(file, (old.mode & 0o640) | 0o600);
  }

  private content(): Content {
    if (!existsSync(this.path)) return {};
    try {
      const content: unknown = JSON.parse(readFileSync(this.path, 'utf8'));
      if (typeof content === 'object' && content !== null) return content as Content;
    } catch (cause) {
      throw new KeyFileError(`${this.path} cannot be read as JSON`, { cause });
    }
    throw new KeyFileError(`${this.path} holds no JSON object`);
  }
}
