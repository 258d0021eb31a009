import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The snippets of a page, by the file name in their first line.
 * @param prefix for the names of snippets without one
 */
export function snippetsOf(page: string, prefix: string): Record<string, string> {
  const snippets = [...page.matchAll(/```ts\n(?:\/\/ (\S+\.ts)\n)?([\s\S]*?)```/g)];
  return Object.fromEntries(
    snippets.map(([, name, code = ''], at) => [name ?? `${prefix}-${at}.ts`, code] as const),
  );
}

/** Files of an application that imports the packages by name, in their own folder. */
export class WrittenFiles {
  private constructor(
    readonly folder: string,
    private readonly names: readonly string[],
  ) {}

  static async write(files: Record<string, string>): Promise<WrittenFiles> {
    const folder = await mkdtemp(join(ROOT, 'test/docs/compiled-'));
    for (const [name, code] of Object.entries(files)) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, code);
    }
    return new WrittenFiles(folder, Object.keys(files));
  }

  /** The errors of the compiler; empty if there are none. */
  async compileErrors(): Promise<string> {
    const lib = ['ES2023', 'ES2024.String', 'DOM', 'DOM.Iterable'];
    const config = {
      extends: '../../../tsconfig.json',
      compilerOptions: { lib },
      include: this.names.filter((name) => name.endsWith('.ts')),
    };
    await writeFile(join(this.folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const { stdout } = await promisify(execFile)(tsc, ['-p', this.folder]).catch(
      (error: { stdout: string }) => error,
    );
    return stdout;
  }

  /** Imports one of them as a module. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- it was written a moment ago
  async import(name: string): Promise<any> {
    return import(pathToFileURL(join(this.folder, name)).href);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The compiler's errors for files of an application that imports the packages by name; empty if there are none. */
export async function compileErrors(files: Record<string, string>): Promise<string> {
  const written = await WrittenFiles.write(files);
  return written.compileErrors().finally(() => written.remove());
}
