import { MongoServerFault, badValue, invalidOptions, notImplemented } from '../errors.js';
import { wholeNumber } from '../numbers.js';
import { type Document, isDocument, isNumber } from '../values.js';
import { unknownField } from './arguments.js';
import type { Command } from './command.js';

/** Options every command may carry. The collections live in one process: every read and write concern up to
 * "majority" of the only member is met by having executed the command. */
const COMMON = new Set([
  ...['$db', 'lsid', 'txnNumber', '$clusterTime', '$readPreference', 'readConcern', 'writeConcern'],
  ...['comment', 'maxTimeMS', '$audit', '$client', 'stmtId', 'stmtIds'],
]);
const TRANSACTION = ['startTransaction', 'autocommit'];
const REFUSED_EVERYWHERE = ['apiVersion', 'apiStrict', 'apiDeprecationErrors', ...TRANSACTION];
/** MongoDB's, and a timer of Node.js knows no longer time either. */
const LONGEST_MS = 2 ** 31 - 1;
const KNOWN_READ_CONCERNS = new Set(['local', 'available', 'majority', 'linearizable']);

export function checkOptions(definition: Command, command: Document): void {
  const [name = ''] = definition.names;
  let first = true;
  for (const option of Object.keys(command)) {
    if (first || COMMON.has(option) || definition.options.includes(option)) {
      first = false;
      continue;
    }
    if (REFUSED_EVERYWHERE.includes(option)) throw notImplemented(refusalOf(option));
    if (definition.refused?.includes(option)) refuseOptions(command, [option]);
    else if (definition.ignoresUnknownOptions) continue;
    else if (option.startsWith('$')) throw notImplemented(`The option ${option}`);
    else throw unknownField(`${name}.${option}`);
  }
  checkCommon(definition, command);
}

function refusalOf(option: string): string {
  return TRANSACTION.includes(option) ? 'A multi-document transaction' : `The option ${option}`;
}

/** Refuses options of MongoDB that would change the result; `false` or the simple collation changes nothing. */
export function refuseOptions(owner: Document, options: readonly string[]): void {
  for (const option of options) {
    const value: unknown = owner[option];
    if (value === undefined || value === null || value === false) continue;
    if (option === 'collation' && isDocument(value) && value.locale === 'simple') continue;
    if ((option === 'let' || option === 'arrayFilters') && isEmpty(value)) continue;
    throw notImplemented(`The option ${option}`);
  }
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isDocument(value) && Object.keys(value).length === 0;
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
  if (level === undefined || KNOWN_READ_CONCERNS.has(level as string)) return;
  throw notImplemented('That read concern');
}

function checkWriteConcern(writeConcern: Document): void {
  const w: unknown = writeConcern.w;
  if (w === undefined || w === 'majority') return;
  const members = isNumber(w) ? wholeNumber(w) : undefined;
  if (members === 0 || members === 1) return;
  throw notImplemented('A write concern of more members than one');
}
