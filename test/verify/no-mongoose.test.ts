import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: ROOT });

/** Lets no module of these packages be loaded. */
const HOOKS = `export function resolve(specifier, context, next) {
  if (/^(?:mongoose|mongodb|@nestjs\\/mongoose)(?:\\/|$)/.test(specifier)) throw new Error('loads ' + specifier);
  return next(specifier, context);
}`;
const hooks = `data:text/javascript,${encodeURIComponent(HOOKS)}`;
const preload = `data:text/javascript,${encodeURIComponent(
  `import { register } from 'node:module'; register(${JSON.stringify(hooks)});`,
)}`;

async function imported(entry: string): Promise<string> {
  const code = `const { VerifyOnlyAuthModule } = await import('${entry}'); console.log(typeof VerifyOnlyAuthModule);`;
  const { stdout } = await run('--import', preload, '--input-type=module', '-e', code);
  return stdout;
}

it('the entry for services that only verify loads no Mongoose, as ES modules', async () => {
  expect(await imported('./dist/verify/index.js')).toBe('function\n');
  // The test can fail: the other entry loads both. Which of the two comes first is left to Node.
  await expect(imported('./dist/index.js')).rejects.toThrow(/loads (?:@nestjs\/)?mongoose/);
});

it('nor as CommonJS', async () => {
  const code = `const { VerifyOnlyAuthModule } = require('./dist/cjs/verify/index.js');
    const loaded = Object.keys(require.cache).filter((path) => /mongo(?:ose|db)\\//.test(path));
    console.log(typeof VerifyOnlyAuthModule, loaded.length);`;
  const { stdout } = await run('-e', code);
  expect(stdout).toBe('function 0\n');
});
