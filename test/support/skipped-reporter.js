/** Says at the end of the run which tests were skipped. Who skips a group gives it one test, named after the reason. */
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

/** With `-t` everything else is left out, and nobody asks why. */
const isNarrowed = () => process.argv.some((argument) => /^(-t|--testNamePattern)/.test(argument));
