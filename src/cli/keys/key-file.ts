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

/** The content of a file: a JWK set, or the development keys of both kinds. */
type Content = Record<string, unknown>;

/** The keys of one kind of token in a file. They are in the member `keys`, or, in the development file, in that of the kind. */
export class KeyFile {
  constructor(
    readonly path: string,
    private readonly member: 'keys' | TokenKind,
  ) {}

  /** Empty if there is no such file. */
  read(): StoredKey[] {
    if (!existsSync(this.path)) return [];
    const list = this.content()[this.member] ?? [];
    if (!Array.isArray(list)) throw new KeyFileError(`"${this.member}" in ${this.path} is not a list`);
    return storedKeys(list as KeyInput[], statSync(this.path).mtime);
  }

  /**
   * Changes the keys, one change at a time. The result of `change` is written atomically, so that readers see either the old
   * file or the new one. If `change` returns null, the file does not change.
   */
  update(change: (keys: StoredKey[]) => StoredKey[] | null): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    // Replace the target of a symbolic link, not the link.
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
      // After the rename, a draft with this name belongs to another run.
      if (!isInPlace) rmSync(draft, { force: true });
    }
  }

  /** Creates the draft, which is also the lock. */
  private begin(draft: string): number {
    try {
      return openSync(draft, 'wx', 0o600);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new KeyFileError(
        code === 'EEXIST'
          ? `another run is changing the keys, or was interrupted: if none is running, delete ${draft}`
          : `${draft} cannot be written (${code})`,
        { cause },
      );
    }
  }

  /** Keeps the permissions of the file, but never makes it readable for everybody. */
  private keepAccess(file: number, old: Stats | null): void {
    if (!old) return;
    const made = fstatSync(file);
    try {
      if (made.uid !== old.uid || made.gid !== old.gid) fchownSync(file, old.uid, old.gid);
    } catch (cause) {
      throw new KeyFileError(
        `the new file would have another owner than ${this.path}: run this as its owner`,
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
    throw new KeyFileError(`${this.path} does not contain a JSON object`);
  }
}
