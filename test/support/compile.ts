import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the compiler says of files of an application that imports the package by its name; empty: nothing. */
export async function compileErrors(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(ROOT, 'test/docs/compiled-'));
  try {
    for (const [name, code] of Object.entries(files)) await writeFile(join(folder, name), code);
    const config = {
      extends: '../../../tsconfig.json',
      compilerOptions: { paths: { 'nestjs-silent-auth': ['../../../src/index.ts'] } },
      include: Object.keys(files),
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const { stdout } = await promisify(execFile)(tsc, ['-p', folder]).catch(
      (error: { stdout: string }) => error,
    );
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
