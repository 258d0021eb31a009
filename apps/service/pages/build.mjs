// Bundles each page into apps/service/dist/pages/<name>, with the styles and the icon that all pages share.
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = join(here, '../dist/pages');
const isServedAsIs = (name) => /\.(html|css|svg)$/.test(name);

const pages = readdirSync(here).filter((name) => existsSync(join(here, name, 'index.html')));
await build({
  entryPoints: Object.fromEntries(pages.map((page) => [`${page}/main`, join(here, page, 'main.ts')])),
  outdir: out,
  bundle: true,
  format: 'esm',
  target: 'es2022',
});
for (const page of pages)
  for (const folder of [here, join(here, page)])
    for (const name of readdirSync(folder).filter(isServedAsIs))
      cpSync(join(folder, name), join(out, page, name));
