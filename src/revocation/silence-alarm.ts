const LIMIT_MS = 5_000;

/** Without a sign of life for so long a watch is lost, however open it looks. */
export class SilenceAlarm {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly lose: (reason: Error) => void) {}

  /** A sign of life: the time begins anew. */
  reset(): void {
    this.stop();
    this.timer = setTimeout(() => this.lose(new Error(`silent for ${LIMIT_MS} ms`)), LIMIT_MS);
    this.timer.unref();
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
