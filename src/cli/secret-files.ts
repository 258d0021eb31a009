import { readFileSync } from 'node:fs';
import type { ConfigurationProblem } from '../options/option-reader.js';

export interface SecretFiles {
  /** Secrets by the name of the variable that they replace. */
  readonly values: ReadonlyMap<string, string>;
  /** Problems; the key is the name of the variable with the path. */
  readonly problems: readonly ConfigurationProblem[];
}

/**
 * Reads secrets from files, as is usual in containers: `NAME_FILE` is the path of a file that contains the value of `NAME`.
 * Problems never contain the path, because it may be the secret itself, set under the wrong name.
 */
export function readSecretFiles(variables: NodeJS.ProcessEnv, names: readonly string[]): SecretFiles {
  const values = new Map<string, string>();
  const problems: ConfigurationProblem[] = [];
  for (const name of names) {
    const path = variables[fileVariable(name)]?.trim();
    if (!path) continue;
    if (variables[name]?.trim()) {
      problems.push(problem(name, `${name} is also set: remove one of the two`));
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
