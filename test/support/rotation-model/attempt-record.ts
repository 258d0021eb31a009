/** What a client stores with its token, shared by all tabs, to tell its retries from other clients' requests. */
export class AttemptRecord {
  /** Created, but not answered yet. */
  outstanding: string | null = null;
  /** The attempt that made the newest generation the client knows. */
  previous: string | null = null;
  /** The generation that `previous` made; -1 if unknown. */
  generation = -1;

  constructor(private readonly draw: () => string) {}

  /** Gets or creates: an attempt is stored before it is sent, and kept until its answer is stored. */
  begin(): { readonly attempt: string; readonly previous: string | null } {
    this.outstanding ??= this.draw();
    return { attempt: this.outstanding, previous: this.previous };
  }

  /** An answer was stored; one of an older generation does not replace a newer one. */
  answered(attempt: string | null, generation: number): void {
    if (attempt === null) return;
    if (this.outstanding === attempt) this.outstanding = null;
    if (generation < this.generation) return;
    this.previous = attempt;
    this.generation = generation;
  }

  /** 409 `REFRESH_SUPERSEDED`: the attempt was answered earlier, and the stored token is older than that answer. */
  superseded(attempt: string | null): void {
    if (attempt === null || this.outstanding !== attempt) return;
    this.previous = attempt;
    this.outstanding = null;
  }

  /** The browser deleted the record. */
  forget(): void {
    this.become(new AttemptRecord(this.draw));
  }

  become({ outstanding, previous, generation }: AttemptRecord): void {
    Object.assign(this, { outstanding, previous, generation });
  }

  copy(): AttemptRecord {
    const copy = new AttemptRecord(this.draw);
    copy.become(this);
    return copy;
  }
}
