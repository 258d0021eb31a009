import type { Duration } from '../core/duration.js';
import { DAY_MS } from '../core/limits.js';
import type { OptionReader } from './option-reader.js';

/** The audit log stores every event: who, when, from where. Rows are written in batches, outside of requests. */
export interface AuditOptions {
  /**
   * How long the audit log keeps a row, and a day's counters. A change applies only to rows that are written later.
   * @default '90d'
   */
  retention?: Duration;
  /**
   * Whether each rotation of a refresh token, by far the most frequent event, is stored as a row; `false` only counts them.
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
