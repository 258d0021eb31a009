// Bundles the script and the style of the report page into the folder that is named, where report-page.ts finds them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { resolve } = createRequire(import.meta.url);
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
/** Of what is bundled; each report is a copy, and copies have to carry it. */
const licences = ['chart.js', '@kurkle/color'].map((name) => {
  const folder = resolve(name).replace(/dist\/[^/]*$/, '');
  return `/*! ${name}\n\n${readFileSync(`${folder}LICENSE.md`, 'utf8').trim()}\n*/`;
});

const [outdir] = process.argv.slice(2);
if (!outdir) throw new Error('the folder to build into?');
const common = { outdir, bundle: true, minify: true, target: 'es2022', charset: 'ascii' };
await build({
  ...common,
  entryPoints: { page: at('main.ts') },
  format: 'iife',
  banner: { js: licences.join('\n') },
  legalComments: 'inline',
});
await build({ ...common, entryPoints: { page: at('style.css') } });
