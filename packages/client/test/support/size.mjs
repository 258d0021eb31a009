// Measures what a page loads of the client: bundled, minified, gzipped; for each further entry, the bytes that it
// adds.
import { fileURLToPath } from 'node:url';
import { bundled } from './bundled.mjs';

const LIMIT_BYTES = 7300;
const LIMITS_OF_ENTRIES = { axios: 1000, proof: 1000, react: 500, vue: 500 };
const CLIENT = fileURLToPath(new URL('../../src', import.meta.url));

async function gzippedBytes(...entries) {
  const contents = entries.map((entry) => `export * from './${entry}.ts';`).join('\n');
  return (await bundled(CLIENT, contents, ['react', 'vue'])).gzipped;
}

const alone = await gzippedBytes('index');
report('index', alone, LIMIT_BYTES);
for (const [entry, limit] of Object.entries(LIMITS_OF_ENTRIES))
  report(`+ ${entry}`, (await gzippedBytes('index', entry)) - alone, limit);

function report(name, bytes, limit) {
  console.log(`${name}: ${bytes} bytes gzipped, limit ${limit}`);
  if (bytes > limit) process.exitCode = 1;
}
