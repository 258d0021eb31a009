import { badValue, invalidOptions, MongoServerFault, notImplemented } from '../engine/errors.js';
import { wholeNumber } from '../engine/numbers.js';
import { type Document, isDocument, isNumber } from '../engine/values.js';
import type { Command } from './command.js';

/**
 * Options that every command may carry. There is one member, in one process: a command that has run meets every read
 * and write concern up to "majority".
 */
const COMMON = new Set(
  '$db lsid txnNumber $clusterTime $readPreference readConcern writeConcern comment maxTimeMS'.split(' '),
);
const TRANSACTION = new Set(['startTransaction', 'autocommit']);
/** MongoDB's limit, and the maximum delay of a Node.js timer. */
const LONGEST_MS = 2 ** 31 - 1;
const KNOWN_READ_CONCERNS = new Set<unknown>(['local', 'available', 'majority', 'linearizable']);

export function checkOptions(definition: Command, command: Document): void {
  const [name = '', ...options] = Object.keys(command);
  const refused = options.filter((option) => !COMMON.has(option) && !definition.options.includes(option));
  if (refused.some((option) => TRANSACTION.has(option))) throw notImplemented('A multi-document transaction');
  const [first] = refused;
  if (first !== undefined && !definition.ignoresUnknownOptions) {
    throw notImplemented(`The option ${first} of ${name}`);
  }
  checkCommon(definition, command);
}

/** The same for one statement of a batch. */
export function checkStatementOptions(statement: Document, known: readonly string[]): void {
  const other = Object.keys(statement).find((name) => !known.includes(name));
  if (other !== undefined) throw notImplemented(`The option ${other} of a statement`);
}

function checkCommon(definition: Command, command: Document): void {
  const { maxTimeMS, readConcern, writeConcern, lsid, txnNumber } = command as Record<string, unknown>;
  if (maxTimeMS !== undefined) checkMaxTime(maxTimeMS);
  if (isDocument(readConcern)) checkReadConcern(readConcern);
  if (isDocument(writeConcern)) checkWriteConcern(writeConcern);
  if (lsid !== undefined && !isDocument(lsid)) throw new MongoServerFault(14, 'lsid must be an object');
  if (txnNumber === undefined) return;
  if (lsid === undefined) {
    throw invalidOptions('Transaction number requires a session ID to also be specified');
  }
  if (!definition.retryable) throw notImplemented(`A transaction number on ${definition.names[0]}`);
}

function checkMaxTime(value: unknown): void {
  if (!isNumber(value)) throw badValue('maxTimeMS must be a number');
  const number = wholeNumber(value);
  if (number === undefined || number < 0 || number > LONGEST_MS)
    throw badValue(`${String(number)} value for maxTimeMS is out of range`);
}

function checkReadConcern(readConcern: Document): void {
  const level: unknown = readConcern.level;
  if (level !== undefined && !KNOWN_READ_CONCERNS.has(level)) throw notImplemented('That read concern');
}

function checkWriteConcern(writeConcern: Document): void {
  const w: unknown = writeConcern.w;
  if (w === undefined || w === 'majority') return;
  const members = isNumber(w) ? wholeNumber(w) : undefined;
  if (members === 0 || members === 1) return;
  throw notImplemented('A write concern of more than one member');
}
