import { isRoutine, type SecurityEvent } from '../core/security-event.js';

/**
 * Rows that wait to be written, in bounded memory: where there is no more room the oldest routine row goes first, and a
 * security row only where nothing else is left. What goes is counted.
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

  /** Takes rows out, security rows first, each kind the oldest first. */
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

  /** Puts rows back that could not be written: they are older than what came since. */
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
