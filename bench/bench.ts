import { type Adapter, ADAPTERS, type HostConfig } from './host/host-app.js';
import type { MeasuredHost } from './host/measured-host.js';

/** The goal of a figure; none if it is there for comparison only. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number } | null;

/** One line of the result. */
export interface Row {
  readonly bench: string;
  readonly figure: string;
  /** Null if there is no number: the details say what was seen instead, or why nothing was. */
  readonly measured: number | null;
  /** `×` for a ratio. */
  readonly unit: string;
  readonly goal: Goal;
  /** Null if there is no goal. */
  readonly met: boolean | null;
  /** The values from which the figure was computed, or what was seen. */
  readonly details: string;
}

/** The resources of a bench. */
export interface BenchContext {
  /** A smoke run: everything runs once and briefly, and the figures mean nothing. */
  readonly quick: boolean;
  /** Whether a URI for the database was given, so that it is a real one and may be filled. */
  readonly isDatabaseGiven: boolean;
  readonly databaseUri: string;
  /** The peers to run; none for all. */
  readonly peerNames: readonly string[];
  /** Starts an application in its own process, which ends with `use`. */
  readonly withHost: <T>(config: HostConfig, use: (host: MeasuredHost) => Promise<T>) => Promise<T>;
  /** The same for several applications in one process. */
  readonly withHosts: <T>(
    configs: readonly HostConfig[],
    use: (hosts: MeasuredHost[]) => Promise<T>,
  ) => Promise<T>;
}

/** A `*.bench.ts` file: one figure of the design's table. */
export interface Bench {
  readonly name: string;
  /** What the figure means, for the document. */
  readonly meaning: string;
  run(context: BenchContext): Promise<Row[]>;
}

export function row(fields: Omit<Row, 'met'>): Row {
  const { goal, measured } = fields;
  if (goal === null || measured === null) return { ...fields, met: null };
  return { ...fields, met: 'atLeast' in goal ? measured >= goal.atLeast : measured <= goal.atMost };
}

/** A row without a number. */
export function note(bench: string, figure: string, details: string): Row {
  return { bench, figure, measured: null, unit: '', goal: null, met: null, details };
}

/** The rows of both adapters, one after the other. */
export async function eachAdapter(measure: (adapter: Adapter) => Promise<Row[]>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const adapter of ADAPTERS) rows.push(...(await measure(adapter)));
  return rows;
}
