// Jest loads every test file that is related to a mutant, even if none of its tests is selected. This skips those:
// the first run, of all tests, records which file has which tests.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In the copy of the sources that a run uses. */
const NOTES = join(process.cwd(), '.tests-by-file.json');

export default class MutationSequencer {
  constructor({ globalConfig }) {
    const { testNamePattern } = globalConfig;
    this.asked = testNamePattern ? new RegExp(testNamePattern, 'i') : null;
  }

  sort(tests) {
    if (!this.asked || !existsSync(NOTES)) return tests;
    const notes = JSON.parse(readFileSync(NOTES, 'utf8'));
    return tests.filter(({ path }) => notes[path].some((name) => this.asked.test(name)));
  }

  cacheResults(_tests, { testResults: files }) {
    if (existsSync(NOTES)) return;
    const noteOf = ({ testFilePath, testResults }) => [
      testFilePath,
      testResults.map(({ fullName }) => fullName),
    ];
    writeFileSync(NOTES, JSON.stringify(Object.fromEntries(files.map(noteOf))));
  }
}
