import { closestName } from 'nestjs-silent-auth/cli';
import { VARIABLES } from './environment.js';

/** A variable that nothing reads, and the one that was probably meant. */
export interface MisspeltVariable {
  readonly name: string;
  readonly meant: string;
}

/** Shown in place of the value, which may be a secret. */
export const NOT_READ = '(not read)';

const KNOWN = VARIABLES.map(({ name }) => name);
/** Variables of the service's commands and of other programs. */
const NOT_MISSPELT = new Set(['ACCESS_TOKEN', 'API_URL']);

/**
 * Variables that look like misspelt ones of the service. Most variables belong to other programs, so only names
 * count that are close to one of ours that is not set itself.
 */
export function misspeltVariables(variables: NodeJS.ProcessEnv): MisspeltVariable[] {
  return Object.entries(variables).flatMap(([name, value]) => {
    if (!value || !/^[A-Z][A-Z\d_]*$/.test(name) || isKnown(name)) return [];
    const meant = KNOWN.find((known) => hasWordsOf(name, known) || resembles(name, known));
    return meant === undefined || variables[meant] ? [] : [{ name, meant }];
  });
}

function isKnown(name: string): boolean {
  // NAME_FILE names a file that holds the value of NAME.
  return NOT_MISSPELT.has(name) || KNOWN.includes(name.replace(/_FILE$/, ''));
}

/** Whether a name consists of at least two words of another, in their order: `REFRESH_TTL` for `REFRESH_IDLE_TTL`. */
function hasWordsOf(name: string, known: string): boolean {
  const words = name.split('_');
  return words.length > 1 && new RegExp(`^(?:.*_)?${words.join('_(?:.*_)?')}(?:_.*)?$`).test(known);
}

/** Whether each word differs by a letter or two: `MONGO_URL` and `MONGODB_URI`, but not `SITE_URL` and `SMTP_URL`. */
function resembles(name: string, known: string): boolean {
  const words = name.split('_');
  const knownWords = known.split('_');
  if (words.length === 1 || words.length !== knownWords.length) return isClose(name, known, name.length / 6);
  return words.every((word, index) => {
    const other = knownWords[index] ?? '';
    return isClose(word, other, Math.max(1, Math.max(word.length, other.length) / 3.5));
  });
}

function isClose(word: string, other: string, limit: number): boolean {
  return closestName(word, [other], Math.floor(limit)) !== null;
}
