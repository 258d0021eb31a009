/**
 * Prints what a test run found, from its JSON report: each failed test with the beginning of why, then the totals
 * as `N passed, M failed`.
 *
 *   node tools/print-test-totals.mjs REPORT
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const LONGEST = 1500;

const print = (file, title, why) =>
  process.stdout.write(`FAILED: ${relative('.', file)}: ${title}\n${why.slice(0, LONGEST)}\n`);

let totals = '0 passed, 1 failed';
try {
  const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  for (const { name, message, status, assertionResults } of report.testResults) {
    const failures = assertionResults.filter((test) => test.status === 'failed');
    for (const { fullName, failureMessages } of failures) print(name, fullName, failureMessages.join('\n'));
    if (status === 'failed' && failures.length === 0) print(name, 'failed outside its tests', message);
  }
  const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : '';
  totals = `${report.numPassedTests} passed, ${report.numFailedTests + report.numRuntimeErrorTestSuites} failed${skipped}`;
} catch (error) {
  process.stdout.write(`FAILED: no test report can be read: ${error.message}\n`);
}
process.stdout.write(`${totals}\n`);
