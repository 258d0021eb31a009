import { MongoServerFault } from '../errors.js';
import type { Document } from '../values.js';

export interface WriteErrors {
  writeErrors: Document[];
}

/**
 * Runs the statements of one command in order. The error of a statement is part of the answer, not a failed
 * command; unless the batch is unordered nothing after it runs.
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
