/** Requests that came while the service was starting wait here until it is ready for them. */
export class HeldRequests {
  private readonly waiting: (() => void)[] = [];
  private isOpen = false;

  readonly middleware = (_request: unknown, _response: unknown, next: () => void): void => {
    if (this.isOpen) next();
    else this.waiting.push(next);
  };

  release(): void {
    this.isOpen = true;
    for (const next of this.waiting.splice(0)) next();
  }
}
