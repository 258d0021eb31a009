import { MongoServerFault } from '../engine/errors.js';
import type { Document } from '../engine/values.js';

interface WriteErrors {
  writeErrors: Document[];
}

/**
 * Runs the statements of one command in order. A statement that fails is reported in the reply; in an ordered batch it
 * also ends the batch.
 */
export function runStatements(
  statements: readonly Document[],
  ordered: boolean,
  run: (statement: Document, index: number) => void,
): WriteErrors | object {
  const writeErrors: Document[] = [];
  for (const [index, statement] of statements.entries()) {
    try {
      run(statement, index);
    } catch (error) {
      if (!(error instanceof MongoServerFault)) throw error;
      writeErrors.push({ index, code: error.code, ...error.extra, errmsg: error.message });
      if (ordered) break;
    }
  }
  return writeErrors.length > 0 ? { writeErrors } : {};
}
