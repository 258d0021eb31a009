import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { SERVICE_FINDINGS } from '../../apps/service/src/doctor/service-checks.js';
import { FINDINGS, type SeverityRow } from '../../src/doctor/checks/finding.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const document = readFileSync(join(ROOT, 'docs/doctor.md'), 'utf8');

/** The rows of the table under a heading. */
function rowsUnder(heading: string): string[][] {
  const lines = document.slice(document.indexOf(`### ${heading}`)).split('\n');
  const start = lines.findIndex((line) => /^\| code +\|/.test(line)) + 2;
  const body = lines.slice(start);
  const end = body.findIndex((line) => !line.startsWith('|'));
  return body.slice(0, end === -1 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

describe('docs/doctor.md', () => {
  it.each<[string, Readonly<Record<string, SeverityRow>>]>([
    ['Of every application', FINDINGS],
    ['Of the reference service', SERVICE_FINDINGS],
  ])('lists exactly the codes and their severities: %s', (heading, table) => {
    const documented = rowsUnder(heading).map(([code, production, elsewhere]) => [
      code,
      production,
      elsewhere,
    ]);
    const known = Object.entries(table).map(([code, [production, elsewhere]]) => [
      `\`${code}\``,
      production,
      elsewhere ?? '–',
    ]);
    expect(documented).toEqual(known);
  });

  it('says for each code when it is reported and what to do', () => {
    const rows = [...rowsUnder('Of every application'), ...rowsUnder('Of the reference service')];
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((row) => row.length !== 5 || row.some((cell) => cell === ''))).toEqual([]);
  });
});
