// `npm run test:mutation [area…]`: changes the sources in many small ways, one at a time, and reports each change that
// no test notices. Needs a build, because the tests' own database runs from dist.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import jestConfig from '../jest.config.js';
import setUpDatabase from '../test/support/global-setup.js';
import tearDownDatabase from '../test/support/global-teardown.js';

/**
 * The mutated sources, and the tests that must notice. They are few and quick, because every mutant runs whole
 * files; none of them starts the service, which runs from dist.
 */
const AREAS = {
  core: { sources: 'src/core', tests: 'core/!(populations|*.fuzz)' },
  tokens: { sources: 'src/tokens', tests: 'tokens/!(*.model|thieves)' },
  keys: { sources: 'src/tokens/keys', tests: 'tokens/keys/*' },
  risk: { sources: 'src/risk', tests: 'risk/*' },
  revocation: { sources: 'src/revocation', tests: 'revocation/*' },
  throttle: { sources: 'src/throttle', tests: 'throttle/*' },
  database: { sources: 'src/database', tests: 'database/*' },
  guards: { sources: 'src/http/guards', tests: 'http/*guard*' },
};
/** The percentage of mutants that tests must kill; test/mutation-survivors.md lists those that may survive, and why. */
const LEAST_SCORE = 90;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  // Part of an area: `npm run test:mutation -- tokens --files 'src/tokens/jwt*'`, which may be repeated; or a
  // range of lines: `--files src/tokens/jwt.ts:10-20`.
  // `--tests 'tokens/session-*'`: only these tests of the area, which is faster and kills fewer.
  options: {
    files: { type: 'string', multiple: true },
    tests: { type: 'string' },
    workers: { type: 'string', default: '1' },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(AREAS);
for (const name of names)
  if (!Object.hasOwn(AREAS, name))
    throw new Error(`no area ${name}; there are: ${Object.keys(AREAS).join(', ')}`);

// One database for all runs of Jest, which would otherwise start one each.
await setUpDatabase();
process.env.TEST_MONGODB_URI = process.env.TEST_DATABASE_URI;
try {
  for (const name of names) await mutate(name, AREAS[name]);
} finally {
  await tearDownDatabase();
}

async function mutate(name, { sources, tests }) {
  const reports = `reports/mutation/${name}`;
  const stryker = new Stryker({
    // Wiring and schemas are tested with the module and the service.
    mutate: flags.files ?? [`${sources}/*.ts`, `!${sources}/*.{module,schema}.ts`],
    plugins: ['@stryker-mutator/jest-runner', new URL('mutation-ignore.mjs', import.meta.url).href],
    ignorers: ['texts'],
    testRunner: 'jest',
    testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    jest: {
      config: {
        ...jestConfig,
        // Jest finds the tests of a file only through the sources in between.
        roots: ['<rootDir>/src', '<rootDir>/test'],
        testMatch: [`<rootDir>/test/${flags.tests ?? tests}.test.ts`],
        testSequencer: fileURLToPath(new URL('mutation-sequencer.mjs', import.meta.url)),
        reporters: [],
      },
    },
    coverageAnalysis: 'perTest',
    concurrency: Number(flags.workers),
    // Jest keeps the modules of every run in memory.
    maxTestRunnerReuse: 80,
    // Long, because a timeout on a busy machine would count as a killed mutant.
    timeoutMS: 60_000,
    timeoutFactor: 3,
    dryRunTimeoutMinutes: 20,
    ignorePatterns: ['dist', 'reports', 'bench', 'docs', 'examples', '.data'],
    cleanTempDir: 'always',
    reporters: ['clear-text', 'json', 'html', 'progress-append-only'],
    clearTextReporter: { logTests: false, allowColor: false, allowEmojis: false },
    jsonReporter: { fileName: `${reports}.json` },
    htmlReporter: { fileName: `${reports}.html` },
    thresholds: { high: 100, low: LEAST_SCORE, break: LEAST_SCORE },
  });
  await stryker.runMutationTest();
}
