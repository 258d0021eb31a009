/** Prints at the end of the run which tests were skipped. A skipped group has one test, named after the reason. */
export default class SkippedReporter {
  onRunComplete(_contexts, { testResults }) {
    const skipped = testResults
      .flatMap((file) => file.testResults)
      .filter(({ status }) => status === 'pending' && !isNarrowed());
    for (const { ancestorTitles, title } of skipped) {
      process.stderr.write(`Skipped: ${ancestorTitles.join(' › ')} (${title})\n`);
    }
  }
}

/** With `-t` most tests are skipped on purpose. */
const isNarrowed = () => process.argv.some((argument) => /^(-t|--testNamePattern)/.test(argument));
