import { MongoServerFault } from './errors.js';

/** Codes that only the server around the evaluation has a use for. */
const NAMES = {
  8: 'UnknownError',
  13: 'Unauthorized',
  16: 'InvalidLength',
  22: 'InvalidBSON',
  175: 'QueryPlanKilled',
  186: 'ClientMetadataCannotBeMutated',
  197: 'InvalidIndexSpecificationOption',
  225: 'TransactionTooOld',
  237: 'CursorKilled',
  260: 'InvalidResumeToken',
  286: 'ChangeStreamHistoryLost',
} as const;

export class NamedFault extends MongoServerFault {
  override readonly codeName: string;

  constructor(code: keyof typeof NAMES, message: string) {
    super(code, message);
    this.codeName = NAMES[code];
  }
}
