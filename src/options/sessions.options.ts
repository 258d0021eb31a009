import type { OptionReader } from './option-reader.js';

export interface SessionOptions {
  /**
   * How many sessions a user may have; a login beyond it ends the one unused longest.
   * @default 20
   */
  maxPerUser?: number;
}

export function readSessions(read: OptionReader<SessionOptions>) {
  return { maxPerUser: read.integer('maxPerUser', 20, { min: 1, max: 1000 }) };
}
