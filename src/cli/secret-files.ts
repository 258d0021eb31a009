import { readFileSync } from 'node:fs';
import type { ConfigurationProblem } from '../options/option-reader.js';

export interface SecretFiles {
  /** By the name of the variable whose place they take. */
  readonly values: ReadonlyMap<string, string>;
  /** By the name of the variable that holds the path. */
  readonly problems: readonly ConfigurationProblem[];
}

/**
 * Secrets that are given as files, as containers have them: `NAME_FILE` holds the path of a file that holds the value of `NAME`.
 * The path is in no problem: it may be the secret, given by the wrong name.
 */
export function readSecretFiles(variables: NodeJS.ProcessEnv, names: readonly string[]): SecretFiles {
  const values = new Map<string, string>();
  const problems: ConfigurationProblem[] = [];
  for (const name of names) {
    const path = variables[fileVariable(name)]?.trim();
    if (!path) continue;
    if (variables[name]?.trim()) {
      problems.push(problem(name, `${name} is set as well: leave out one of the two`));
      continue;
    }
    const { value, fix } = read(path);
    if (value === undefined) problems.push(problem(name, fix));
    else values.set(name, value);
  }
  return { values, problems };
}

export function fileVariable(name: string): string {
  return `${name}_FILE`;
}

function problem(name: string, fix: string): ConfigurationProblem {
  return { key: fileVariable(name), value: '(path)', fix };
}

type Read = { value: string; fix?: never } | { value?: never; fix: string };

function read(path: string): Read {
  try {
    const value = readFileSync(path, 'utf8').trim();
    return value === '' ? { fix: 'the file is empty: write the secret into it' } : { value };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { fix: 'there is no such file: give the path of the file with the secret' };
    return { fix: `the file cannot be read (${code}): let the user of this process read it` };
  }
}
