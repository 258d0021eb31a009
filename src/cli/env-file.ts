import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** The file cannot be used. The message says why, without showing its content. */
export class EnvFileError extends Error {
  override readonly name = 'EnvFileError';
}

/**
 * Adds the variables of a `.env` file to those that are not set yet.
 * @returns the path; null if there is no such file
 * @throws EnvFileError
 */
export function readEnvFile(variables: NodeJS.ProcessEnv, path = '.env'): string | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new EnvFileError(
      `${path} cannot be read (${code ?? message}): make it a file that you may read, or remove it.`,
      { cause: error },
    );
  }
  const line = firstOddLine(text);
  // Node would skip the line, and the service would run with other settings than the file shows.
  if (line !== null)
    throw new EnvFileError(`${path}, line ${line}, is not NAME=VALUE: fix the line, or remove it.`);
  for (const [name, value] of Object.entries(parseEnv(text))) variables[name] ??= value;
  return path;
}

/** The number of the first line that is neither a variable, a comment nor empty. */
function firstOddLine(text: string): number | null {
  // A quoted value may have several lines. Keep its line breaks, so that line numbers stay right.
  const withoutValues = text
    .replace(/^\s*#.*$/gm, '')
    .replace(/=[ \t]*(["'`])[^]*?\1/g, (value) => `=${value.replace(/[^\n]/g, '')}`);
  const index = withoutValues
    .split('\n')
    .findIndex((line) => !/^\s*(?:$|#|(?:export\s+)?[\w.-]+\s*=)/.test(line));
  return index === -1 ? null : index + 1;
}
