import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

/** Seeds, and inputs that once broke something. `npm run fuzz` searches for more. */
const CORPUS = new URL('corpus/', import.meta.url);
const targets = readdirSync(new URL('targets/', import.meta.url)).map((file) => file.replace(/\.ts$/, ''));

type Target = { fuzz(data: Buffer): void | Promise<void> };

describe.each(targets)('the parsers of the fuzz target %s', (name) => {
  const folder = new URL(`${name}/`, CORPUS);
  const inputs = existsSync(folder) ? readdirSync(folder) : [];

  it('have inputs to start from', () => expect(inputs).not.toEqual([]));

  it.each(inputs)('withstand %s', async (input) => {
    const target = (await import(`./targets/${name}.js`)) as Target;
    await target.fuzz(readFileSync(new URL(input, folder)));
  });
});
