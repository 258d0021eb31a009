// After `npm run build`: dead links and anchors of the built site, the search without a network, and axe in light and dark.
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const DIST = fileURLToPath(new URL('.vitepress/dist', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
};
const EXAMINED = [
  '/',
  '/rotation',
  '/recipes',
  '/reference/routes',
  '/errors/refresh-token-reused',
  '/zh-CN/',
  '/zh-CN/rotation',
];
const problems = [];

/** The file that answers a path, as a static host with clean URLs finds it. */
function fileOf(path) {
  const clean = decodeURI(path);
  const candidates = [clean, `${clean}.html`, posix.join(clean, 'index.html')].map((each) =>
    join(DIST, each),
  );
  return candidates.find((file) => existsSync(file) && statSync(file).isFile()) ?? null;
}

function checkLinks() {
  const pages = readdirSync(DIST, { recursive: true }).filter((file) => file.endsWith('.html'));
  const ids = new Map();
  const idsOf = (file) => {
    if (!ids.has(file))
      ids.set(file, new Set([...readFileSync(file, 'utf8').matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)));
    return ids.get(file);
  };
  for (const page of pages) {
    const html = readFileSync(join(DIST, page), 'utf8');
    const links = new Set(
      [...html.matchAll(/<a [^>]*href="([^"]+)"/g)].map(([, href]) => href.replaceAll('&amp;', '&')),
    );
    for (const link of links) {
      const url = new URL(link, new URL(page, 'http://site.invalid/'));
      if (url.host !== 'site.invalid') continue;
      const file = fileOf(url.pathname);
      const anchor = decodeURIComponent(url.hash.slice(1));
      if (file === null) problems.push(`${page}: dead link ${link}`);
      else if (anchor !== '' && !page.startsWith('reference/api/') && !idsOf(file).has(anchor))
        problems.push(`${page}: no such heading: ${link}`);
    }
  }
  return pages.length;
}

async function serve() {
  const server = createServer((request, response) => {
    const file = fileOf(new URL(request.url, 'http://site.invalid').pathname);
    response.writeHead(file ? 200 : 404, {
      'content-type': TYPES[extname(file ?? '.html')] ?? 'application/octet-stream',
    });
    if (file) createReadStream(file).pipe(response);
    else response.end();
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

async function checkInBrowser(origin) {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-background-networking'],
  });
  try {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ colorScheme });
      page.on('request', (request) => {
        if (!request.url().startsWith(origin)) problems.push(`the site asks elsewhere: ${request.url()}`);
      });
      for (const path of EXAMINED) {
        await page.goto(origin + path, { waitUntil: 'load' });
        await page.evaluate(axe);
        const { violations } = await page.evaluate('axe.run(document)');
        for (const { id, nodes } of violations)
          problems.push(
            `${path} (${colorScheme}): ${id}: ${nodes
              .slice(0, 2)
              .map(({ html }) => html)
              .join(' ')}`,
          );
      }
      await page.close();
    }
    const page = await browser.newPage();
    await page.goto(`${origin}/`);
    await page.keyboard.press('Control+k');
    await page.locator('#localsearch-input').fill('grace period');
    await page.locator('.results .result').first().waitFor({ timeout: 10_000 });
  } catch (error) {
    problems.push(String(error));
  } finally {
    await browser.close();
  }
}

const pages = checkLinks();
const { server, origin } = await serve();
await checkInBrowser(origin);
server.close();
process.stdout.write(`${pages} pages, ${problems.length} problems\n`);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
