import type { OptionReader } from './option-reader.js';

export interface SessionOptions {
  /**
   * Maximum number of sessions per user; another login ends the session that was unused for the longest time.
   * @default 20
   */
  maxPerUser?: number;
}

export function readSessions(read: OptionReader<SessionOptions>) {
  return { maxPerUser: read.integer('maxPerUser', 20, { min: 1, max: 1000 }) };
}
