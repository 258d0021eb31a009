// Weighs what a page loads of `nestjs-silent-auth/client` with everything used: bundled, minified, gzipped.
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT_BYTES = 5000;

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('../../../src/client/index.ts', import.meta.url))],
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  write: false,
});
const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
console.log(`nestjs-silent-auth/client: ${bytes} bytes gzipped, limit ${LIMIT_BYTES}`);
process.exitCode = bytes <= LIMIT_BYTES ? 0 : 1;
