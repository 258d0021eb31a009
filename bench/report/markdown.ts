import type { Bench } from '../bench.js';
import { describeGoal, describeMeasured, describeRun, describeVerdict, type Report } from './report.js';

/** `bench/README.md`. */
export function toMarkdown(report: Report, benches: readonly Bench[]): string {
  return [
    '# Bench',
    '',
    '<!-- Made by `npm run bench -- --write`: change the bench, not this file. -->',
    '',
    INTRODUCTION,
    '',
    '## The run',
    '',
    ...describeRun(report).map((line) => `- ${line}`),
    '',
    '## Figures',
    ...benches.flatMap((bench) => ['', ...section(bench, report)]),
    '',
  ].join('\n');
}

function section({ name, meaning }: Bench, { rows }: Report): string[] {
  return [
    `### ${name}`,
    '',
    `${meaning}.`,
    '',
    '| figure | measured | goal | met | from |',
    '| --- | --- | --- | --- | --- |',
    ...rows
      .filter(({ bench }) => bench === name)
      .map(
        (row) =>
          `| ${row.figure} | ${describeMeasured(row)} | ${describeGoal(row.goal)} | ${describeVerdict(row)} | ${row.details} |`,
      ),
  ];
}

const INTRODUCTION = `\`npm run bench\` builds the library, measures it and prints this table. Every figure is a ratio, or a count, of one run:
what it is compared with runs in the same process and on the same database, in turns with it, so that a busy machine slows
both alike; a ratio is the median of the ratios of several short rounds after a warm-up. The application, the load and the
database have a process each. The database is the embedded development server unless \`TEST_MONGODB_URI\` names a real
one, in whose own databases (\`sa_bench_…\`, dropped at the end) the run then takes place. Every application uses the library
as an adopter does, and has its throttling off, because all the load comes from one address.

\`\`\`sh
npm run bench                          # every figure, about five minutes
npm run bench -- guard refresh         # some of them
npm run bench -- --quick               # a smoke run: everything happens, the figures mean nothing
npm run --silent bench -- --json       # for machines
npm run bench -- --write               # makes this file anew
npm run bench -- guard --profile DIR   # with a processor profile of the application in DIR
\`\`\``;
