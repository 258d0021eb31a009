import type { Row } from '../bench.js';
import { describeGoal, describeMeasured, describeRun, type Report } from './report.js';

/** The report for a terminal. */
export function toText(report: Report): string {
  const width = Math.max(...report.rows.map(({ bench, figure }) => bench.length + figure.length + 2));
  return [...describeRun(report), '', ...report.rows.map((row) => toLine(row, width))].join('\n');
}

function toLine(row: Row, width: number): string {
  const { bench, figure, goal, met, details } = row;
  const name = `${bench}: ${figure}`.padEnd(width);
  const verdict = goal === null ? '' : `${describeGoal(goal)} ${met ? '✓' : '✗'}`;
  return `${name}  ${describeMeasured(row).padStart(14)}  ${verdict.padEnd(9)}  ${details}`.trimEnd();
}
