import type { BSON } from 'mongodb';

/** MongoDB's own codes and names: drivers decide by the code, people read the name. */
const CODE_NAMES = {
  2: 'BadValue',
  8: 'UnknownError',
  9: 'FailedToParse',
  13: 'Unauthorized',
  14: 'TypeMismatch',
  16: 'InvalidLength',
  20: 'IllegalOperation',
  22: 'InvalidBSON',
  26: 'NamespaceNotFound',
  27: 'IndexNotFound',
  28: 'PathNotViable',
  40: 'ConflictingUpdateOperators',
  43: 'CursorNotFound',
  48: 'NamespaceExists',
  52: 'DollarPrefixedFieldName',
  54: 'NotSingleValueField',
  56: 'EmptyFieldName',
  66: 'ImmutableField',
  67: 'CannotCreateIndex',
  68: 'IndexAlreadyExists',
  72: 'InvalidOptions',
  73: 'InvalidNamespace',
  85: 'IndexOptionsConflict',
  86: 'IndexKeySpecsConflict',
  175: 'QueryPlanKilled',
  186: 'ClientMetadataCannotBeMutated',
  197: 'InvalidIndexSpecificationOption',
  225: 'TransactionTooOld',
  237: 'CursorKilled',
  238: 'NotImplemented',
  260: 'InvalidResumeToken',
  286: 'ChangeStreamHistoryLost',
  11000: 'DuplicateKey',
} as const satisfies Record<number, string>;

/** An error in MongoDB's form; the reply carries the `extra` fields beside `code`. */
export class MongoServerFault extends Error {
  override readonly name = 'MongoServerFault';
  readonly codeName: string;

  constructor(
    readonly code: number,
    message: string,
    readonly extra?: BSON.Document,
  ) {
    super(message);
    // MongoDB names the other codes by their location in its source.
    this.codeName = (CODE_NAMES as Record<number, string>)[code] ?? `Location${code}`;
  }
}

/** The answer to everything outside the scope: users notice a refusal, but not a wrong result. */
export function notImplemented(what: string): MongoServerFault {
  return new MongoServerFault(
    238,
    `${what} is not implemented by the embedded development server; use a real MongoDB`,
  );
}

function faultOf(code: keyof typeof CODE_NAMES) {
  return (message: string, extra?: BSON.Document) => new MongoServerFault(code, message, extra);
}

export const badValue = faultOf(2);
export const failedToParse = faultOf(9);
export const typeMismatch = faultOf(14);
export const illegalOperation = faultOf(20);
export const namespaceNotFound = faultOf(26);
export const indexNotFound = faultOf(27);
export const pathNotViable = faultOf(28);
export const conflictingUpdate = faultOf(40);
export const cursorNotFound = faultOf(43);
export const namespaceExists = faultOf(48);
export const dollarPrefixedFieldName = faultOf(52);
export const notSingleValueField = faultOf(54);
export const emptyFieldName = faultOf(56);
export const immutableField = faultOf(66);
export const cannotCreateIndex = faultOf(67);
export const invalidOptions = faultOf(72);
export const invalidNamespace = faultOf(73);
export const indexOptionsConflict = faultOf(85);
export const indexKeySpecsConflict = faultOf(86);
export const duplicateKey = faultOf(11000);
