import type { Suspicion } from '../core/anomaly.js';

const MAX_FIELDS = 20;
const MAX_NAME = 64;
const MAX_TEXT = 256;

/**
 * The answer of a rule, made safe for events, logs and the database: rules may be code of the application. Null: nothing is
 * odd.
 * @throws TypeError if the answer is not valid. A promise is refused: it is always truthy, so every request would look
 * suspicious
 */
export function readSuspicion(given: unknown): Suspicion | null {
  if (given === null || given === undefined || given === false) return null;
  if (typeof (given as { then?: unknown }).then === 'function') {
    // Nobody awaits it: without this, its rejection would end the process.
    Promise.resolve(given).catch(() => undefined);
    throw new TypeError('it returned a promise, but a rule must answer synchronously');
  }
  if (typeof given !== 'object' || Array.isArray(given))
    throw new TypeError(`it returned neither an object nor null: ${typeof given}`);
  const fields = Object.entries(given).slice(0, MAX_FIELDS);
  return Object.fromEntries(fields.map(([name, value]) => [readName(name), readValue(value)]));
}

/** Replaces characters with a special meaning in the database. */
function readName(name: string): string {
  return name
    .slice(0, MAX_NAME)
    .toWellFormed()
    .replace(/[\p{Cc}.$]|^_/gu, '-');
}

function readValue(value: unknown): Suspicion[string] {
  if (typeof value === 'string') return value.slice(0, MAX_TEXT).toWellFormed();
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return `(${typeof value})`;
}
