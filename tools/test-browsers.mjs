// `npm run test:browsers [-- --browser chromium|firefox|webkit]`: the stories that must end the same way in every
// browser.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const ENGINES = ['chromium', 'firefox', 'webkit'];

const { browser = '' } = parseArgs({ options: { browser: { type: 'string' } } }).values;
if (browser !== '' && !ENGINES.includes(browser)) {
  process.stderr.write(`No browser is called ${browser}; there are ${ENGINES.join(', ')}\n`);
  process.exit(1);
}
const { status } = spawnSync('npm', ['test', '--', `test/browser/engines/${browser}`], { stdio: 'inherit' });
process.exitCode = status ?? 1;
