import { MINUTE_MS } from '../../core/limits.js';

const MAX_LINES = 60;

/** Limits log lines that anybody can cause: each text once a minute, and at most sixty lines a minute. */
export class LineLimit {
  private readonly written = new Set<string>();
  private endsAt = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  admits(line: string): boolean {
    const now = this.now();
    if (now >= this.endsAt) {
      this.written.clear();
      this.endsAt = now + MINUTE_MS;
    }
    if (this.written.has(line) || this.written.size >= MAX_LINES) return false;
    this.written.add(line);
    return true;
  }
}
