/** What a client keeps beside its token, shared by all its tabs, to tell its retries from somebody else's requests. */
export class AttemptRecord {
  /** Drawn, and not answered yet. */
  outstanding: string | null = null;
  /** The one that made the newest generation that the client knows. */
  previous: string | null = null;
  /** The generation that `previous` made; -1: none is known. */
  generation = -1;

  constructor(private readonly draw: () => string) {}

  /** Get or create: an attempt is stored before it is sent, and kept until an answer is stored. */
  begin(): { readonly attempt: string; readonly previous: string | null } {
    this.outstanding ??= this.draw();
    return { attempt: this.outstanding, previous: this.previous };
  }

  /** An answer was stored; one of an older generation replaces nothing newer. */
  answered(attempt: string | null, generation: number): void {
    if (attempt === null) return;
    if (this.outstanding === attempt) this.outstanding = null;
    if (generation < this.generation) return;
    this.previous = attempt;
    this.generation = generation;
  }

  /** 409 `REFRESH_SUPERSEDED`: it was answered long ago, and the stored token is older than that answer. */
  superseded(attempt: string | null): void {
    if (attempt === null || this.outstanding !== attempt) return;
    this.previous = attempt;
    this.outstanding = null;
  }

  /** The browser has deleted it. */
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
