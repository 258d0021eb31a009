import { styleText } from 'node:util';
import type { Finding, FindingSeverity } from '../../index.js';
import { VARIABLES } from '../environment.js';

const SEVERITIES: readonly FindingSeverity[] = ['error', 'warning', 'info'];
const COLOURS = { error: 'red', warning: 'yellow', info: 'cyan' } as const;
const NAMES = {
  error: ['error', 'errors'],
  warning: ['warning', 'warnings'],
  info: ['note', 'notes'],
} as const;
/** Subjects of the library that are set by a variable of another shape. */
const SUBJECTS: Readonly<Record<string, string>> = {
  'trust proxy': 'TRUST_PROXY',
  throttle: 'THROTTLE',
  audit: 'AUDIT',
  database: 'MONGODB_URI',
};

/** A finding of the library in the words of who sets variables, not options. */
export function inVariables({ subject, message, mend, ...rest }: Finding): Finding {
  return {
    ...rest,
    subject: SUBJECTS[subject] ?? renamed(subject, VARIABLES),
    message: inText(message),
    mend: inText(mend),
  };
}

/** In a sentence a word such as `issuer` is a word. */
function inText(text: string): string {
  return renamed(
    text,
    VARIABLES.filter(({ option }) => option?.includes('.')),
  );
}

function renamed(text: string, variables: typeof VARIABLES): string {
  return variables.reduce((result, { name, option }) => {
    if (option === undefined) return result;
    return result.replace(new RegExp(`(?<![\\w.])${option.replaceAll('.', '\\.')}(?![\\w.])`, 'g'), name);
  }, text);
}

/** Grouped by severity, the worst first. */
export function describeFindings(findings: readonly Finding[], hasColours: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    hasColours ? styleText(style, text, { validateStream: false }) : text;
  const groups = SEVERITIES.flatMap((severity) => {
    const group = findings.filter((finding) => finding.severity === severity);
    if (group.length === 0) return [];
    const lines = group.flatMap(({ code, subject, message, mend }) => [
      '',
      `  ${paint('bold', subject)}  ${paint('dim', `[${code}]`)}`,
      `    wrong  ${message}`,
      `    mend   ${mend}`,
    ]);
    return [paint(COLOURS[severity], counted(severity, group.length)), ...lines, ''];
  });
  return `${[...groups, summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing found.';
  const counts = SEVERITIES.map((severity) => counted(severity, countOf(findings, severity)));
  return `${counts.join(', ')}. docs/doctor.md explains each.`;
}

function counted(severity: FindingSeverity, count: number): string {
  return `${count} ${NAMES[severity][count === 1 ? 0 : 1]}`;
}

export function countOf(findings: readonly Finding[], severity: FindingSeverity): number {
  return findings.filter((finding) => finding.severity === severity).length;
}

export function worstFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

/** For programs. */
export function findingsAsJson(findings: readonly Finding[]): string {
  const summary = Object.fromEntries(SEVERITIES.map((severity) => [severity, countOf(findings, severity)]));
  return `${JSON.stringify({ summary, findings }, null, 2)}\n`;
}
