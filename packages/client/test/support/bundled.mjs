import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Size in bytes of a module as a page loads it. @param folder where its imports are found */
export async function bundled(folder, contents, external = []) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external,
    write: false,
  });
  const [{ contents: code }] = outputFiles;
  return { minified: code.length, gzipped: gzipSync(code, { level: 9 }).length };
}
