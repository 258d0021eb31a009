// Bundles each page into apps/service/dist/pages/<name>, with the styles, the icon and the top that all pages share.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = join(here, '../dist/pages');
/** The report's, which has to have them in the library. */
const tokens = join(here, '../../../src/audit/report/html/browser/tokens.css');
const top = readFileSync(join(here, 'top.html'), 'utf8').trim();
const isCopied = (name) => /\.(css|svg)$/.test(name);

const pages = readdirSync(here).filter((name) => existsSync(join(here, name, 'index.html')));
const scripts = pages.filter((page) => existsSync(join(here, page, 'main.ts')));
await build({
  entryPoints: Object.fromEntries(scripts.map((page) => [`${page}/main`, join(here, page, 'main.ts')])),
  outdir: out,
  bundle: true,
  format: 'esm',
  target: 'es2022',
});
for (const page of pages) {
  mkdirSync(join(out, page), { recursive: true });
  for (const folder of [here, join(here, page)])
    for (const name of readdirSync(folder).filter(isCopied))
      copyFileSync(join(folder, name), join(out, page, name));
  copyFileSync(tokens, join(out, page, 'tokens.css'));
  writeFileSync(
    join(out, page, 'index.html'),
    readFileSync(join(here, page, 'index.html'), 'utf8').replace('<!-- top.html -->', topOf(page)),
  );
}

function topOf(page) {
  return top.replaceAll('PAGE', page).replaceAll(/data-page="([\w-]+)"/g, (_, name) => {
    return name === page ? 'aria-current="page"' : '';
  });
}
