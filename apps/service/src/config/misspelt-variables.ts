import { closestName } from 'nestjs-silent-auth/cli';
import { VARIABLES } from './environment.js';

/** A variable that nothing reads, and the one that was probably meant. */
export interface MisspeltVariable {
  readonly name: string;
  readonly meant: string;
}

const KNOWN = VARIABLES.map(({ name }) => name);
/** The commands read the first; the others are usual names of other programs that resemble ours. */
const NOT_MISSPELT = new Set(['ACCESS_TOKEN', 'API_URL', 'HOSTS', 'POST']);
/** One letter in four may be wrong: `HOME` is not meant to be `HOST`. */
const LETTERS_PER_MISTAKE = 4;

/**
 * Variables of an environment that look like misspelt ones of the service. Most of an environment belongs to other programs,
 * so only names count that are close to one of ours, which is not set itself.
 */
export function misspeltVariables(variables: NodeJS.ProcessEnv): MisspeltVariable[] {
  return Object.entries(variables).flatMap(([name, value]) => {
    if (!value || !/^[A-Z][A-Z\d_]*$/.test(name) || isKnown(name)) return [];
    const meant =
      withoutWords(name) ?? closestName(name, KNOWN, Math.floor(name.length / LETTERS_PER_MISTAKE));
    return meant === null || variables[meant] ? [] : [{ name, meant }];
  });
}

function isKnown(name: string): boolean {
  // NAME_FILE names a file that holds the value of NAME.
  return NOT_MISSPELT.has(name) || KNOWN.includes(name.replace(/_FILE$/, ''));
}

/** The variable of which a name has some of the words, at least two, in their order: `REFRESH_TTL` of `REFRESH_IDLE_TTL`. */
function withoutWords(name: string): string | null {
  const words = name.split('_');
  if (words.length < 2) return null;
  const pattern = new RegExp(`^(?:.*_)?${words.join('_(?:.*_)?')}(?:_.*)?$`);
  return KNOWN.find((known) => pattern.test(known)) ?? null;
}
