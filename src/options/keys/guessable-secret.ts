import { dictionary } from '@zxcvbn-ts/language-common';

/** Tens of thousands of the most used passwords in leaked lists, lower case (OWASP ASVS 6.2.4 requires 3,000). */
const COMMON_PASSWORDS: ReadonlySet<string> = new Set(dictionary['passwords-common'] as readonly string[]);
const DICEWARE_WORDS: ReadonlySet<string> = new Set(dictionary['diceware-common'] as readonly string[]);

export function isCommonPassword(password: string): boolean {
  return COMMON_PASSWORDS.has(password.toLowerCase());
}

const MIN_DISTINCT = 8;
const MIN_DISTINCT_OF_PLACEHOLDER = 4;
/** Minimum length of a word inside a run of letters: random text contains shorter words by chance. */
const MIN_WORD = 5;
/** Minimum length of a word between separators, where a match by chance is less likely. */
const MIN_SEPARATE_WORD = 4;
const MAX_WORD = 32;
/** Minimum number of characters outside of known words. */
const MIN_UNEXPLAINED = 15;

/** Words in the secrets of samples and tutorials. */
const SAMPLE = /secret|change|replace|password|example|placeholder|keyboard cat|your/i;

/** Whether the module refuses to start with the secret: always for a placeholder, in production for any guessable secret. */
export function isRefusedSecret(secret: Uint8Array): boolean {
  return isPlaceholder(secret) || (process.env['NODE_ENV'] === 'production' && isGuessable(secret));
}

function isPlaceholder(secret: Uint8Array): boolean {
  if (new Set(secret).size < MIN_DISTINCT_OF_PLACEHOLDER) return true;
  return SAMPLE.test(Buffer.from(secret).toString('latin1')) && isGuessable(secret);
}

/**
 * Whether a person made the secret up: few distinct characters, a repeated shorter secret, rows of the alphabet or of digits,
 * or words and numbers, also in base64 or hex. A long passphrase also counts as guessable: nobody types this secret, so it
 * can be random.
 */
export function isGuessable(secret: Uint8Array): boolean {
  return isMadeUp(secret) || writtenTexts(secret).some(isMadeUp);
}

function isMadeUp(secret: Uint8Array): boolean {
  return (
    new Set(secret).size < MIN_DISTINCT ||
    periodOf(secret) <= secret.length / 2 ||
    isMadeOfRows(secret) ||
    isMadeOfWords(secret)
  );
}

const PRINTABLE = /^[\x20-\x7e]+$/;

/** The decoded text if the secret is text in base64, base64url or hex; random bytes decode to no printable text. */
function writtenTexts(secret: Uint8Array): Uint8Array[] {
  const text = Buffer.from(secret).toString('latin1');
  const decoded = [
    ...(/^[\w+/-]+=*$/.test(text) ? [Buffer.from(text, 'base64')] : []),
    ...(/^(?:[\da-f]{2})+$/i.test(text) ? [Buffer.from(text, 'hex')] : []),
  ];
  return decoded.filter((bytes) => PRINTABLE.test(bytes.toString('latin1')));
}

/** Whether most characters continue a row, as in `abcdef`, `98765` or `aaaa`. */
function isMadeOfRows(secret: Uint8Array): boolean {
  const steps = [...secret].filter((byte, index) => Math.abs(byte - (secret[index - 1] ?? Infinity)) <= 1);
  return steps.length > secret.length / 2;
}

/** The length of the repeated part; the full length if nothing repeats. */
function periodOf(secret: Uint8Array): number {
  for (let period = 1; period < secret.length; period += 1)
    if (secret.subarray(period).every((byte, index) => byte === secret[index])) return period;
  return secret.length;
}

function isMadeOfWords(secret: Uint8Array): boolean {
  const text = Buffer.from(secret).toString('latin1').toLowerCase();
  const tokens = text.match(/[a-z]+/g) ?? [];
  const letters = tokens.reduce((sum, token) => sum + unexplainedLetters(token), 0);
  // A digit counts half a letter, so random hex passes and words with a number do not. Separators do not count.
  const digits = text.replace(/\D/g, '').length;
  const others = text.replace(/[\x20-\x7e]/g, '').length;
  return letters + digits / 2 + others < MIN_UNEXPLAINED;
}

/** Minimum number of letters outside of words, over all ways to cut the run into words. */
function unexplainedLetters(run: string): number {
  if (run.length >= MIN_SEPARATE_WORD && isWord(run)) return 0;
  const best = [0];
  for (let end = 1; end <= run.length; end += 1) {
    best[end] = (best[end - 1] ?? 0) + 1;
    for (let start = Math.max(0, end - MAX_WORD); start <= end - MIN_WORD; start += 1)
      if (isWord(run.slice(start, end))) best[end] = Math.min(best[end] ?? 0, best[start] ?? 0);
  }
  return best[run.length] ?? 0;
}

function isWord(text: string): boolean {
  return COMMON_PASSWORDS.has(text) || DICEWARE_WORDS.has(text);
}
