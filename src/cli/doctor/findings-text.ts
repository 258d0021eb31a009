import { styleText } from 'node:util';
import type { Finding, FindingSeverity } from '../../doctor/checks/finding.js';
import type { CommandResult } from '../command-line.js';

const SEVERITIES: readonly FindingSeverity[] = ['error', 'warning', 'info'];
const COLOURS = { error: 'red', warning: 'yellow', info: 'cyan' } as const;
const NAMES = {
  error: ['error', 'errors'],
  warning: ['warning', 'warnings'],
  info: ['note', 'notes'],
} as const;
/** The result of an examination: exit code 1 if there is an error, or with `strict` a warning. */
export function reportFindings(
  given: readonly Finding[],
  how: { readonly json: boolean; readonly strict: boolean; readonly hasColours: boolean },
): CommandResult {
  const findings = worstFirst(given);
  const output = how.json ? findingsAsJson(findings) : describeFindings(findings, how.hasColours);
  const fatal = countOf(findings, 'error') + (how.strict ? countOf(findings, 'warning') : 0);
  return { exitCode: fatal > 0 ? 1 : 0, output, isAnswer: true };
}

/** Grouped by severity, the worst first. */
export function describeFindings(findings: readonly Finding[], hasColours: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    hasColours ? styleText(style, text, { validateStream: false }) : text;
  const groups = SEVERITIES.flatMap((severity) => {
    const group = findings.filter((finding) => finding.severity === severity);
    if (group.length === 0) return [];
    const lines = group.flatMap(({ code, subject, message, fix }) => [
      '',
      `  ${paint('bold', subject)}  ${paint('dim', `[${code}]`)}`,
      `    wrong  ${message}`,
      `    fix    ${fix}`,
    ]);
    return [paint(COLOURS[severity], counted(severity, group.length)), ...lines, ''];
  });
  return `${[...groups, summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing found.';
  const counts = SEVERITIES.map((severity) => counted(severity, countOf(findings, severity)));
  return `${counts.join(', ')}. docs/doctor.md explains them.`;
}

function counted(severity: FindingSeverity, count: number): string {
  return `${count} ${NAMES[severity][count === 1 ? 0 : 1]}`;
}

function countOf(findings: readonly Finding[], severity: FindingSeverity): number {
  return findings.filter((finding) => finding.severity === severity).length;
}

function worstFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

/** The findings as JSON, for programs. */
function findingsAsJson(findings: readonly Finding[]): string {
  const summary = Object.fromEntries(SEVERITIES.map((severity) => [severity, countOf(findings, severity)]));
  return `${JSON.stringify({ summary, findings }, null, 2)}\n`;
}
