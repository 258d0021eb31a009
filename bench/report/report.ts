import type { Goal, Row } from '../bench.js';
import type { Machine } from './machine.js';

export interface Report {
  readonly machine: Machine;
  readonly database: string;
  /** A smoke run, whose figures mean nothing. */
  readonly quick: boolean;
  readonly seconds: number;
  readonly rows: readonly Row[];
}

export function describeRun({ machine, database, quick, seconds }: Report): string[] {
  const { processor, cores, memoryGiB, system, load, node, versions } = machine;
  return [
    `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}; load at the start ${load}`,
    `Node ${node}, ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `Database: ${database}`,
    `${seconds} s${quick ? ' (a smoke run: the figures mean nothing)' : ''}`,
  ];
}

export function describeGoal(goal: Goal): string {
  if (goal === null) return '';
  return 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
}

export function describeMeasured({ measured, unit }: Row): string {
  if (measured === null) return '';
  const digits = Number.isInteger(measured)
    ? 0
    : measured < 1
      ? 3
      : measured < 10
        ? 2
        : measured < 100
          ? 1
          : 0;
  return `${measured.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`;
}

export function describeVerdict({ met }: Row): string {
  return met === null ? '' : met ? 'yes' : 'no';
}
