import { isRoutine, type SecurityEvent } from './security-event.js';

/**
 * Rows that wait to be written, in bounded memory. When it is full, the oldest routine row is dropped, and a security row
 * only if there is no routine row. Dropped rows are counted.
 */
export class EventQueue {
  dropped = 0;
  private security = new Set<SecurityEvent>();
  private routine = new Set<SecurityEvent>();

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.security.size + this.routine.size;
  }

  push(event: SecurityEvent): void {
    (isRoutine(event) ? this.routine : this.security).add(event);
    this.trim();
  }

  /** Removes and returns rows: security rows first, the oldest first. */
  take(limit: number): SecurityEvent[] {
    const taken: SecurityEvent[] = [];
    for (const rows of [this.security, this.routine])
      for (const event of rows) {
        if (taken.length === limit) return taken;
        rows.delete(event);
        taken.push(event);
      }
    return taken;
  }

  /** Puts back rows that could not be written, before the newer ones. */
  putBack(events: readonly SecurityEvent[]): void {
    const [routine, security] = [true, false].map((kind) =>
      events.filter((event) => isRoutine(event) === kind),
    );
    this.routine = new Set([...(routine ?? []), ...this.routine]);
    this.security = new Set([...(security ?? []), ...this.security]);
    this.trim();
  }

  private trim(): void {
    while (this.size > this.capacity) {
      const rows = this.routine.size > 0 ? this.routine : this.security;
      for (const oldest of rows) {
        rows.delete(oldest);
        break;
      }
      this.dropped += 1;
    }
  }
}
