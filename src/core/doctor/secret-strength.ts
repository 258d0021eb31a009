/**
 * Below so many bits a secret can be guessed offline from one token (NIST SP 800-131A: the least security strength).
 */
export const LEAST_BITS = 112;

/** What a guesser has to work for does not get less by what follows. */
const ENOUGH_BYTES = 512;
/** Of a guessable text; a shorter repetition is chance. */
const LEAST_REPEAT = 5;
/** An alphabet of so few symbols is not one by chance in 32 of them. */
const FEW_SYMBOLS = 8;
/** English has one to two bits a letter (Shannon 1951), a list of random words 2.5. */
const BITS_OF_WORDS = 2.5;
/** Random base64 has one pair in twenty that is frequent in English, words have one in two. */
const SHARE_OF_WORDS = 0.3;
const KEYBOARD = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qwertzuiop', 'azertyuiop'].flatMap((row) => [
  row,
  [...row].reverse().join(''),
]);
const FREQUENT_PAIRS = new Set(
  (
    'th he in er an re nd at on nt ha es st en ed to it ou ea hi is or ti as te et ng of al de se le sa si ar ve ra ld ' +
    'ur ro ri io ic ne me li ll ce co ch ma om el di la ss us ot ca pr ro pa ss wo rd ac ke ey ut my am mp'
  ).split(' '),
);

/**
 * How many bits a guesser has to work for, at the most: symbols that could not be foreseen, by the size of their alphabet.
 * What repeats, counts up or follows the keyboard is foreseen, and words are worth what words are. An estimate that errs
 * on the side of silence: of the shortest random secrets that pass at boot, 16 bytes in hex or 24 in base64, one in a hundred
 * thousand falls below {@link LEAST_BITS}, and none of 32 bytes.
 */
export function estimatedBits(secret: Uint8Array): number {
  const decoded = decodedText(secret);
  const bits = bitsOf(secret);
  return decoded ? Math.min(bits, estimatedBits(decoded)) : bits;
}

/** The text of which a secret is hex or base64, which hides nothing; null where it is none. Random bytes are no text. */
function decodedText(secret: Uint8Array): Uint8Array | null {
  const text = Buffer.from(secret.subarray(0, ENOUGH_BYTES)).toString('latin1');
  const encoding = /^[\da-f]+$/i.test(text) ? 'hex' : /^[\w+/-]+=*$/.test(text) ? 'base64' : null;
  if (encoding === null) return null;
  const decoded = Buffer.from(text, encoding).toString('latin1').trimEnd();
  return /^[\x20-\x7e]+$/.test(decoded) ? Buffer.from(decoded) : null;
}

function bitsOf(secret: Uint8Array): number {
  const symbols = [...secret.subarray(0, ENOUGH_BYTES)];
  const isText = symbols.every((byte) => byte >= 0x20 && byte < 0x7f);
  const text = isText ? String.fromCharCode(...symbols) : null;
  const bits = Math.log2(alphabetOf(symbols, text));
  return unforeseen(symbols, text) * (text !== null && isWords(text) ? Math.min(bits, BITS_OF_WORDS) : bits);
}

function alphabetOf(symbols: readonly number[], text: string | null): number {
  const distinct = new Set(symbols).size;
  if (distinct <= FEW_SYMBOLS) return distinct;
  if (text === null) return 256;
  if (/^\d+$/.test(text)) return 10;
  if (/^(?:[\da-f]+|[\dA-F]+)$/.test(text)) return 16;
  const has = (pattern: RegExp, size: number) => (pattern.test(text) ? size : 0);
  // The marks of base64 are two more; others may be any.
  const marks = has(/[^\w+/=-]/, 32) || has(/[^a-z\d]/i, 2);
  return has(/[a-z]/, 26) + has(/[A-Z]/, 26) + has(/\d/, 10) + marks;
}

/** How many symbols could not be told from those before; a stretch that could counts as two: which, and how long. */
function unforeseen(symbols: readonly number[], text: string | null): number {
  let count = 0;
  for (let at = 0; at < symbols.length;) {
    const longest = Math.max(
      repeatAt(symbols, at),
      runAt(symbols, at),
      text === null ? 0 : keyboardRunAt(text.toLowerCase(), at),
    );
    const isForeseen = longest >= LEAST_REPEAT;
    count += isForeseen ? 2 : 1;
    at += isForeseen ? longest : 1;
  }
  return count;
}

/** The length of what begins here and was there before; it may reach into itself, as in `abcabcabc`. */
function repeatAt(symbols: readonly number[], at: number): number {
  let longest = 0;
  for (let from = 0; from < at; from += 1) {
    let length = 0;
    while (at + length < symbols.length && symbols[from + length] === symbols[at + length]) length += 1;
    longest = Math.max(longest, length);
  }
  return longest;
}

/** `aaaaa`, `12345`, `54321`. */
function runAt(symbols: readonly number[], at: number): number {
  const stepAt = (index: number) => (symbols[index] ?? NaN) - (symbols[index - 1] ?? NaN);
  const step = stepAt(at + 1);
  if (!(Math.abs(step) <= 1)) return 0;
  let length = 2;
  while (stepAt(at + length) === step) length += 1;
  return length;
}

function keyboardRunAt(text: string, at: number): number {
  let length = LEAST_REPEAT;
  const isInARow = () =>
    at + length <= text.length && KEYBOARD.some((row) => row.includes(text.slice(at, at + length)));
  while (isInARow()) length += 1;
  return length > LEAST_REPEAT ? length - 1 : 0;
}

function isWords(text: string): boolean {
  const letters = text.replace(/[-_. ]/g, '');
  let frequent = 0;
  for (let at = 1; at < letters.length; at += 1) {
    const pair = letters.slice(at - 1, at + 1);
    const lower = pair.toLowerCase();
    // Within a word the case does not change.
    if ((pair === lower || pair === pair.toUpperCase()) && FREQUENT_PAIRS.has(lower)) frequent += 1;
  }
  return frequent / (letters.length - 1) >= SHARE_OF_WORDS;
}

/** A shared stretch of so many symbols is no accident. */
const LEAST_SHARED = 16;

/** Whether one secret can be had from the other by a few guesses: they share a stretch, and the rest of one is guessable. */
export function areRelated(one: Uint8Array, other: Uint8Array): boolean {
  const shared = longestShared(one.subarray(0, ENOUGH_BYTES), other.subarray(0, ENOUGH_BYTES));
  if (shared.length < LEAST_SHARED) return false;
  const rest = (secret: Uint8Array, from: number) =>
    Uint8Array.from([...secret.subarray(0, from), ...secret.subarray(from + shared.length)]);
  return [rest(one, shared.inOne), rest(other, shared.inOther)].some(
    (remainder) => remainder.length === 0 || estimatedBits(remainder) < LEAST_BITS,
  );
}

function longestShared(one: Uint8Array, other: Uint8Array) {
  let best = { length: 0, inOne: 0, inOther: 0 };
  let before = new Uint16Array(other.length + 1);
  for (let i = 1; i <= one.length; i += 1) {
    const row = new Uint16Array(other.length + 1);
    for (let j = 1; j <= other.length; j += 1) {
      if (one[i - 1] !== other[j - 1]) continue;
      const length = (before[j - 1] ?? 0) + 1;
      row[j] = length;
      if (length > best.length) best = { length, inOne: i - length, inOther: j - length };
    }
    before = row;
  }
  return best;
}
