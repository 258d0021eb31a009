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
    WHERE_THE_TIME_GOES,
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
npm run bench                          # every figure, about eight minutes
npm run bench -- guard refresh         # some of them
npm run bench -- --quick               # a smoke run: everything happens, the figures mean nothing
npm run --silent bench -- --json       # for machines
npm run bench -- --write               # makes this file anew
npm run bench -- guard --profile DIR   # with a processor profile of the application in DIR
\`\`\``;

/** Of processor profiles (`--profile`); to be looked at again after a change of the guard or the rotation. */
const WHERE_THE_TIME_GOES = `## Where the time goes

What profiles say of the goals that are missed, and what the limit is.

- **guard**: on Fastify an unguarded request takes about 30 µs, so 0.95 leaves 1.5 µs for all of a guard. Nest itself takes that
  for one that looks at nothing, and Node parses the request's headers when the first of them is read, which the unguarded
  route never asks for: the two reference guards in the table are the floor. What \`JwtAuthGuard\` does besides (cut the
  token out, find it among the verified ones, compare it whole, look at clock, expiry and revocations) is 2 to 3 % of such a
  request.
- **refresh**: of the processor time of a refresh on Fastify the driver and BSON take 42 % (a third of it to write to the two
  sockets), Fastify and Nest 20 % (half of it to write the answer), Node.js itself and its garbage collector 11 %. The
  library's own code and its cryptography are a quarter: 2.5 % to verify the token by one HMAC over its bytes (5 % by
  jsonwebtoken), 2 % to sign two, 2.5 % to seal the successor, 2 % each for the two cookies and the audit log, 0.7 % for the
  fingerprint, the rest to read the session and the user, to decide, check and answer. Were all of it free, the ratio to the
  same two commands would be about 0.72: the answer and its cookie are 1.6 kB where the bare route says \`{"ok":true}\`,
  and the faster the framework, the more that counts.
- **textbook (a)**: three commands after one another where a refresh sends two at once; the rest of the difference is the string
  secret. On a database across a network the commands count for more, and the processor for less.`;
