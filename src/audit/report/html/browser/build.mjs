// Bundles the script and the style of the report page into ../page-assets.ts, a module that the library is built with.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { resolve } = createRequire(import.meta.url);
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
/** Each report is a copy of what is bundled, and copies have to carry the licence. */
const licences = ['chart.js', '@kurkle/color'].map((name) => {
  const folder = resolve(name).replace(/dist\/[^/]*$/, '');
  return `/*! ${name}\n\n${readFileSync(`${folder}LICENSE.md`, 'utf8').trim()}\n*/`;
});

const { outputFiles } = await build({
  entryPoints: { script: at('main.ts'), style: at('style.css') },
  outdir: at('.'),
  write: false,
  bundle: true,
  minify: true,
  target: 'es2022',
  charset: 'ascii',
  format: 'iife',
  banner: { js: licences.join('\n') },
  legalComments: 'inline',
});
const text = (ending) => JSON.stringify(outputFiles.find(({ path }) => path.endsWith(ending)).text);
const module = `// Made by browser/build.mjs; not in the repository.
export const SCRIPT: string = ${text('.js')};
export const STYLE: string = ${text('.css')};
`;
const target = at('../page-assets.ts');
// Written only where it changed, so that an incremental build has nothing to do.
if (!existsSync(target) || readFileSync(target, 'utf8') !== module) writeFileSync(target, module);
