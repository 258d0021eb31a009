import type { Suspicion } from '../core/anomaly.js';

const MAX_FIELDS = 20;
const MAX_NAME = 64;
const MAX_TEXT = 256;

/**
 * What a rule has returned, fit for an event, a log and the database, whatever the rule put into it: it is code of the
 * application. Null: nothing is odd.
 * @throws TypeError where it is nothing that a rule may return. A promise above all: it is no answer yet, and to take it
 * for one would be to suspect everybody
 */
export function readSuspicion(given: unknown): Suspicion | null {
  if (given === null || given === undefined || given === false) return null;
  if (typeof (given as { then?: unknown }).then === 'function') {
    // Nobody awaits it: if it rejects, that must not end the process.
    Promise.resolve(given).catch(() => undefined);
    throw new TypeError('it returned a promise, and a rule has to answer at once');
  }
  if (typeof given !== 'object' || Array.isArray(given))
    throw new TypeError(`it returned neither an object nor null: ${typeof given}`);
  const fields = Object.entries(given).slice(0, MAX_FIELDS);
  return Object.fromEntries(fields.map(([name, value]) => [readName(name), readValue(value)]));
}

/** Without what means something to the database. */
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
