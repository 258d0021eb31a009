import type { Variable } from '../apps/service/src/config/environment.js';

export interface DeclaredOption {
  readonly path: string;
  readonly isRequired: boolean;
  /** Text of `@default`; null without one. */
  readonly fallback: string | null;
  /** First sentence of its comment. */
  readonly meaning: string;
}

/** Every option that a host can set, as src/options declares it. */
export function declaredOptions(root?: string): DeclaredOption[];

/** The text with the tables between its markers generated again. */
export function withTables(text: string, variables: readonly Variable[]): string;
