import type { Variable } from '../apps/service/src/config/environment.js';
import type { AuthOptions } from '../src/index.js';

export interface DeclaredOption {
  readonly path: string;
  /** Its type, as the source writes it. */
  readonly type: string;
  readonly isRequired: boolean;
  /** The text of `@default`; null if there is none. */
  readonly fallback: string | null;
  /** First sentence of its comment. */
  readonly meaning: string;
  /** Its whole comment. */
  readonly text: string;
  /** The text of `@example`; null if there is none. */
  readonly example: string | null;
}

/** The folder of the pages. */
export const REFERENCE: URL;

/** Every option that an application can set, as src/options declares it. */
export function declaredOptions(root?: string): DeclaredOption[];

/** Options that turn on every route of the OpenAPI document. */
export function documentedOptions(): AuthOptions;

/** The page of a code in docs/errors. */
export function errorPageName(code: string): string;

/** What the table of errors says about a code, as the reference and the page of the code show it. */
export function errorFacts(row: object): string;

/** The pages by file name, formatted as the repository is. */
export function referencePages(sources: {
  variables: readonly Variable[];
  errors: object;
  events: object;
  document: object;
}): Promise<Record<string, string>>;
