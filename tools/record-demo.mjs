// `node tools/record-demo.mjs URL`: records docs/images/thief-caught.gif from the demo page of a running service, in which a
// thief is caught. Needs Chromium (CHROMIUM_PATH) and ffmpeg.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beginSession, waitForTheEnd, withBrowser } from './demo-page.mjs';

const OUTPUT = fileURLToPath(new URL('../docs/images/thief-caught.gif', import.meta.url));
const MAX_BYTES = 1_000_000;
/** Slow enough to read, five frames a second, and the colours of the page. */
const FILTER = 'setpts=3*PTS,fps=5,split[a][b];[a]palettegen=max_colors=64[p];[b][p]paletteuse=dither=none';
const [url = 'http://localhost:3000'] = process.argv.slice(2);

const folder = mkdtempSync(join(tmpdir(), 'silent-auth-demo-'));
const video = join(folder, 'demo.gif');
try {
  await withBrowser(async (browser) => {
    const page = await browser.newPage();
    await beginSession(page, url);
    await page.$eval('#canvas', (canvas) => canvas.scrollIntoView({ block: 'start' }));
    const recorder = await page.screencast({ path: video, format: 'gif', fps: 4, colors: 64, scale: 0.75 });
    await delay(3000);
    await page.locator('#steal').click();
    await delay(4000);
    await waitForTheEnd(page);
    await delay(4000);
    await recorder.stop();
  });
  execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-i', video, '-filter_complex', FILTER, OUTPUT]);
} finally {
  rmSync(folder, { recursive: true });
}
const { size } = statSync(OUTPUT);
process.stdout.write(`${OUTPUT}: ${Math.round(size / 1000)} kB\n`);
if (size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES / 1000} kB: record less, or in fewer colours`);
