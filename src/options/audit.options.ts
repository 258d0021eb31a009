import type { Duration } from '../core/duration.js';
import { DAY_MS } from '../core/limits.js';
import type { OptionReader } from './option-reader.js';

/** Every event is kept: who, when, from where. Rows are written in batches, off the path of requests. */
export interface AuditOptions {
  /**
   * How long the audit log keeps a row, and a day's counters. A change applies to rows written after it.
   * @default '90d'
   */
  retention?: Duration;
  /**
   * Whether each rotation of a refresh token gets a row; `false` only counts them. It is by far the most frequent event.
   * @default true
   */
  rotations?: boolean;
}

export function readAudit(read: OptionReader<AuditOptions>) {
  return {
    // The report reads whole days.
    retentionMs: read.duration('retention', '90d', { minMs: DAY_MS }),
    rotations: read.flag('rotations', true),
  };
}
