import type { BSON } from 'mongodb';

/** The numbers and names MongoDB itself gives: drivers decide by the number, people read the name. */
const CODE_NAMES = {
  2: 'BadValue',
  9: 'FailedToParse',
  11: 'UserNotFound',
  14: 'TypeMismatch',
  15: 'Overflow',
  20: 'IllegalOperation',
  26: 'NamespaceNotFound',
  27: 'IndexNotFound',
  28: 'PathNotViable',
  40: 'ConflictingUpdateOperators',
  43: 'CursorNotFound',
  48: 'NamespaceExists',
  52: 'DollarPrefixedFieldName',
  53: 'InvalidIdField',
  54: 'NotSingleValueField',
  56: 'EmptyFieldName',
  57: 'DottedFieldName',
  59: 'CommandNotFound',
  66: 'ImmutableField',
  67: 'CannotCreateIndex',
  68: 'IndexAlreadyExists',
  72: 'InvalidOptions',
  73: 'InvalidNamespace',
  85: 'IndexOptionsConflict',
  86: 'IndexKeySpecsConflict',
  171: 'CannotIndexParallelArrays',
  238: 'NotImplemented',
  10334: 'BSONObjectTooLarge',
  11000: 'DuplicateKey',
} as const satisfies Record<number, string>;

export type NamedCode = keyof typeof CODE_NAMES;

/** An error as a MongoDB server words it; `extra` fields stand beside `code` in the reply. */
export class MongoServerFault extends Error {
  override readonly name = 'MongoServerFault';
  readonly codeName: string;

  constructor(
    readonly code: number,
    message: string,
    readonly extra?: BSON.Document,
  ) {
    super(message);
    // MongoDB names an assertion without a name of its own by its location in the source.
    this.codeName = (CODE_NAMES as Record<number, string>)[code] ?? `Location${code}`;
  }
}

/** The answer to everything outside the chosen subset: a refusal can be acted on, a wrong result cannot. */
export function notImplemented(what: string): MongoServerFault {
  return new MongoServerFault(
    238,
    `${what} is not implemented by the embedded development server; use a real MongoDB`,
  );
}

function faultOf(code: NamedCode) {
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
export const invalidIdField = faultOf(53);
export const notSingleValueField = faultOf(54);
export const emptyFieldName = faultOf(56);
export const dottedFieldName = faultOf(57);
export const commandNotFound = faultOf(59);
export const immutableField = faultOf(66);
export const cannotCreateIndex = faultOf(67);
export const invalidOptions = faultOf(72);
export const invalidNamespace = faultOf(73);
export const indexOptionsConflict = faultOf(85);
export const indexKeySpecsConflict = faultOf(86);
export const duplicateKey = faultOf(11000);
